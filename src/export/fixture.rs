//! Profiles made by hand, for tests.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use super::Subject;
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::{
    BuildId, Comm, FileIdentity, KernelHalf, Mode, Module, ModuleBuildId, Outcome, Promise,
    TaskState, UserFrame, UserHalf, Weight,
};
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::names::{FrameName, Kind, Location, NamedFrame, Names, Naming};
use crate::stitch::{Sample, User};
use crate::time::{ProcessStart, Rate, Timestamp};
use crate::view::selection::{Filter, Group, Selection};

pub(super) const BEGAN: Timestamp = Timestamp(5_000_000_000);
const PROGRAM: ModuleId = ModuleId(2);
const LIBRARY: ModuleId = ModuleId(3);
const START: ProcessStart = ProcessStart(1);

/// A profile that is being put together, with names.
pub(super) struct Fixture {
    pub(super) header: Header,
    pub(super) group: Group,
    profile: Profile,
    named: HashMap<Frame, Vec<NamedFrame>>,
    places: HashMap<String, u64>,
}

impl Fixture {
    /// Makes one with a program, `/bin/prog`, and a library, `/lib/libc.so.6`.
    pub(super) fn new() -> Self {
        let mut profile = Profile::new();
        for (id, path) in [(PROGRAM, "/bin/prog"), (LIBRARY, "/lib/libc.so.6")] {
            profile.modules_mut().add(module(id, path));
        }
        profile.modules_mut().add_build_id(ModuleBuildId {
            module: PROGRAM,
            build_id: BuildId::new(&[0xab; 20]),
        });
        Self {
            header: header(),
            group: Group::default(),
            profile,
            named: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Adds a sample of one thread, 1 ms after the last.
    pub(super) fn add(&mut self, stack: &str) -> &mut Self {
        self.add_of("prog", 100, 100, 1, stack)
    }

    /// Adds a sample. The stack is written as in a folded line, root first: `[lost]` is a
    /// reason, `lib:f` in the library, and the kinds are told by the usual suffixes.
    pub(super) fn add_of(
        &mut self,
        comm: &str,
        pid: u32,
        tid: u32,
        weight: u64,
        stack: &str,
    ) -> &mut Self {
        let time = BEGAN.0 + 1_000_000 * (self.profile.rows().len() as u64 + 1);
        let (mut outcome, mut user, mut kernel) = (Outcome::Complete, Vec::new(), Vec::new());
        for group in groups(stack) {
            match self.place(Pid(pid), &group) {
                Frame::Reason(reason) => outcome = reason,
                Frame::File(module, offset) => user.push(UserFrame::File(module, offset)),
                Frame::Anonymous(_, _, address) => user.push(UserFrame::Anonymous(address)),
                Frame::Kernel(address) => kernel.push(address),
                Frame::Waker(_) | Frame::WakerThread(_) => {}
            }
        }
        user.reverse();
        kernel.reverse();
        let kernel_half = KernelHalf {
            time: Timestamp(time),
            cpu: Cpu(u16::try_from(tid % 2).expect("it is 0 or 1")),
            pid: Pid(pid),
            tid: Tid(tid),
            comm: Comm::from(comm),
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId::NONE,
            weight: Weight(weight),
            event: 0,
            state: TaskState::OnCpu,
            promise: Promise::KernelOnly,
            own_cost: false,
            in_nmi: false,
            waker: None,
            kernel: kernel.into(),
        };
        self.profile.add(&Sample {
            user: User::Read(Rc::new(user_half(pid, tid, outcome, user))),
            kernel_half,
        });
        self
    }

    /// Hands over what is to be exported: everything.
    pub(super) fn subject<R>(&self, run: impl FnOnce(&Subject<'_>) -> R) -> R {
        self.part(&Filter::default(), run)
    }

    /// Hands over a part of it.
    pub(super) fn part<R>(&self, filter: &Filter, run: impl FnOnce(&Subject<'_>) -> R) -> R {
        let mut names = Names::new(self.profile.frames());
        for (id, frame) in self.profile.frames().iter() {
            if let Some(named) = self.named.get(&frame) {
                names.set(id, Naming::Named(named.clone()));
            }
        }
        let filter = Filter {
            group: self.group,
            ..filter.clone()
        };
        let selection = Selection::new(&self.profile, &names, BEGAN, &filter);
        run(&Subject {
            selection: &selection,
            header: &self.header,
            duration: Duration::from_secs(2),
            remark: "by hand",
        })
    }

    /// The place of a function, with those that are inlined there; equal ones share it.
    fn place(&mut self, pid: Pid, group: &str) -> Frame {
        if group.starts_with('[') {
            let mut all = Outcome::ALL.into_iter();
            let reason = all.find(|outcome| outcome.reason() == Some(group));
            return Frame::Reason(reason.expect("it is a reason"));
        }
        let next = self.places.len() as u64 * 16 + 0x1000;
        let place = *self.places.entry(group.to_owned()).or_insert(next);
        let outermost = group.split(';').next().unwrap_or_default();
        let frame = match kind(outermost) {
            Kind::Kernel => Frame::Kernel(KernelAddress(0xffff_ffff_8100_0000 + place)),
            Kind::Jit => Frame::Anonymous(pid, START, UserAddress(0x7f00_0000_0000 + place)),
            _ if outermost.starts_with("lib:") => Frame::File(LIBRARY, FileOffset(place)),
            _ => Frame::File(PROGRAM, FileOffset(place)),
        };
        let named = (1..).zip(group.split(';')).map(|(line, name)| NamedFrame {
            name: FrameName::new(bare(name), kind(name)),
            location: Some(Location {
                file: "src/prog.c".into(),
                line,
            }),
        });
        self.named.insert(frame, named.collect());
        frame
    }
}

/// Functions with what is inlined in them, each `f` or `f;inlined_[i];...`.
fn groups(stack: &str) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for name in stack.split(';').filter(|name| !name.is_empty()) {
        match groups.last_mut() {
            Some(group) if kind(name) == Kind::Inlined => {
                group.push(';');
                group.push_str(name);
            }
            _ => groups.push(name.to_owned()),
        }
    }
    groups
}

fn kind(name: &str) -> Kind {
    let kinds = [Kind::Inlined, Kind::Jit, Kind::Kernel];
    let kind = kinds.into_iter().find(|kind| name.ends_with(kind.suffix()));
    kind.unwrap_or(Kind::User)
}

fn bare(name: &str) -> &str {
    let name = name.strip_prefix("lib:").unwrap_or(name);
    name.strip_suffix(kind(name).suffix()).unwrap_or(name)
}

fn user_half(pid: u32, tid: u32, outcome: Outcome, frames: Vec<UserFrame>) -> UserHalf {
    UserHalf {
        cookie: Cookie { slot: 0, turn: 0 },
        time: Timestamp(0),
        pid: Pid(pid),
        tid: Tid(tid),
        process_start: START,
        outcome,
        leaving: false,
        cost_ns: 0,
        slept: 0,
        frames: frames.into(),
    }
}

fn module(id: ModuleId, path: &str) -> Module {
    Module {
        id,
        identity: FileIdentity {
            device: 1,
            inode: u64::from(id.0),
            size: 0x2000,
            mtime_ns: 0,
        },
        path: path.into(),
        deleted: false,
        pid: Pid(100),
        mapped: (UserAddress(0x1000), UserAddress(0x3000)),
    }
}

fn header() -> Header {
    Header {
        version: "0.1.0".into(),
        command_line: vec!["somno".into(), "record".into()],
        target: "prog".into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: "cpu-clock".into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::new(1000).expect("it is not zero")),
        off_cpu_min: None,
        began_unix_ns: 1_700_000_000_000_000_000,
        began: BEGAN,
        machine: Machine {
            name: "host".into(),
            kernel: "6.18.0".into(),
            architecture: "x86_64".into(),
            cpus: 2,
            boot_id: String::new(),
        },
    }
}
