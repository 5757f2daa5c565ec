//! Profiles made by hand, for tests of what shows them.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;

use super::selection::{Filter, Selection};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::{
    Comm, FileIdentity, KernelHalf, Mode, Module, Outcome, Promise, TaskState, UserFrame, UserHalf,
    Weight,
};
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::names::{FrameName, Kind, Location, NamedFrame, Names, Naming};
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::recording::Recording;
use crate::stitch::{Sample, User};
use crate::time::{ProcessStart, Rate, Timestamp};

/// Where functions are of which nothing else is said.
const PROGRAM: &str = "/bin/program";
/// Nanoseconds between two samples, at 1000 Hz.
const PERIOD: u64 = 1_000_000;

/// Builds a recording, sample by sample, each a period after the one before.
///
/// A stack is named root first, a frame as `name_[kind]@module+offset#line`, of which all but
/// the name may be missing: `_[k]` and `_[j]` as in folded stacks, and `_[i]` is inlined into
/// the frame before; the offset is hexadecimal.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    profile: Profile,
    tally: Tally,
    names: HashMap<Frame, Vec<NamedFrame>>,
    offsets: HashMap<String, u64>,
    modules: HashMap<String, ModuleId>,
}

/// Who was sampled, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) comm: &'static str,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) cpu: u16,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) state: TaskState,
}

impl Default for Who {
    fn default() -> Self {
        Self {
            comm: "program",
            pid: 10,
            tid: 10,
            cpu: 0,
            outcome: Some(Outcome::Complete),
            state: TaskState::OnCpu,
        }
    }
}

/// One frame as it was named.
struct Spec {
    named: NamedFrame,
    module: String,
    offset: Option<u64>,
}

impl Spec {
    fn parse(text: &str) -> Self {
        let (text, line) = match text.rsplit_once('#') {
            Some((text, line)) => (text, Some(line.parse().expect("a line is a number"))),
            None => (text, None),
        };
        let (text, offset) = match text.rsplit_once("+0x") {
            Some((text, hex)) => (
                text,
                Some(u64::from_str_radix(hex, 16).expect("an offset is a number")),
            ),
            None => (text, None),
        };
        let (name, module) = text.rsplit_once('@').unwrap_or((text, PROGRAM));
        let kinds = [Kind::Inlined, Kind::Jit, Kind::Kernel];
        let (name, kind) = kinds
            .into_iter()
            .find_map(|kind| Some((name.strip_suffix(kind.suffix())?, kind)))
            .unwrap_or((name, Kind::User));
        Self {
            named: NamedFrame {
                name: FrameName::new(name, kind),
                location: line.map(|line| Location {
                    file: Arc::from("/src/program.c"),
                    line,
                }),
            },
            module: module.into(),
            offset,
        }
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds samples of the usual thread.
    pub(crate) fn stack(self, frames: &[&str], count: u64) -> Self {
        self.stack_of(Who::default(), frames, count)
    }

    /// Adds samples.
    pub(crate) fn stack_of(mut self, who: Who, frames: &[&str], count: u64) -> Self {
        for _ in 0..count {
            self.sample(who, frames, 1);
        }
        self
    }

    /// Adds one sample that weighs so much.
    pub(crate) fn heavy(mut self, frames: &[&str], weight: u64) -> Self {
        self.sample(Who::default(), frames, weight);
        self
    }

    /// Puts everything together.
    pub(crate) fn build(mut self) -> Recording {
        self.profile.sort();
        let mut names = Names::new(self.profile.frames());
        for (id, frame) in self.profile.frames().iter() {
            if let Some(named) = self.names.remove(&frame) {
                names.set(id, Naming::Named(named));
            }
        }
        Recording {
            header: header(),
            profile: self.profile,
            names,
            tally: self.tally,
            totals: Totals::default(),
            cut: None,
            left_out: 0,
        }
    }

    fn sample(&mut self, who: Who, frames: &[&str], weight: u64) {
        let time = Timestamp((self.profile.rows().len() as u64 + 1) * PERIOD);
        let (user, kernel) = self.frames(frames);
        let cookie = Cookie { slot: 0, turn: 0 };
        let half = |outcome| UserHalf {
            cookie,
            time,
            pid: Pid(who.pid),
            tid: Tid(who.tid),
            process_start: ProcessStart(0),
            outcome,
            leaving: false,
            cost_ns: 3000,
            slept: 0,
            frames: user.into(),
        };
        let sample = Sample {
            kernel_half: KernelHalf {
                time,
                cpu: Cpu(who.cpu),
                pid: Pid(who.pid),
                tid: Tid(who.tid),
                comm: Comm::from(who.comm),
                cgroup: CgroupId::UNKNOWN,
                environment: EnvironmentId::NONE,
                weight: Weight(weight),
                event: 0,
                state: who.state,
                promise: Promise::Deferred(cookie),
                own_cost: false,
                in_nmi: false,
                waker: None,
                kernel: kernel.into(),
            },
            user: match who.outcome {
                None => User::KernelOnly,
                Some(outcome @ (Outcome::Lost | Outcome::Pending)) => User::Missing(outcome),
                Some(outcome) => {
                    let half = half(outcome);
                    self.tally.add_user_half(&half);
                    User::Read(Rc::new(half))
                }
            },
        };
        self.tally.add_sample(&sample);
        self.profile.add(&sample);
    }

    /// Makes user and kernel frames, leaf first.
    fn frames(&mut self, names: &[&str]) -> (Vec<UserFrame>, Vec<KernelAddress>) {
        let mut physical: Vec<Vec<Spec>> = Vec::new();
        for spec in names.iter().map(|name| Spec::parse(name)) {
            match physical.last_mut() {
                Some(last) if spec.named.name.kind() == Kind::Inlined => last.push(spec),
                _ => physical.push(vec![spec]),
            }
        }
        let (mut user, mut kernel) = (Vec::new(), Vec::new());
        for specs in physical.into_iter().rev() {
            match self.frame(specs) {
                Frame::Kernel(address) => kernel.push(address),
                Frame::File(module, offset) => user.push(UserFrame::File(module, offset)),
                Frame::Anonymous(_, _, address) => user.push(UserFrame::Anonymous(address)),
                Frame::Reason(_) | Frame::Waker(_) | Frame::WakerThread(_) => {}
            }
        }
        (user, kernel)
    }

    fn frame(&mut self, specs: Vec<Spec>) -> Frame {
        let kind = specs[0].named.name.kind();
        let module = specs[0].module.clone();
        let given = specs[0].offset;
        let named: Vec<_> = specs.into_iter().map(|spec| spec.named).collect();
        let next = (self.offsets.len() as u64 + 1) * 0x100;
        let key = format!("{module} {named:?}");
        let place = given.unwrap_or_else(|| *self.offsets.entry(key).or_insert(next));
        let frame = match kind {
            Kind::Kernel => Frame::Kernel(KernelAddress(place)),
            Kind::Jit => Frame::Anonymous(Pid(10), ProcessStart(0), UserAddress(place)),
            _ => Frame::File(self.module(&module), FileOffset(place)),
        };
        self.names.insert(frame, named);
        frame
    }

    fn module(&mut self, path: &str) -> ModuleId {
        if let Some(id) = self.modules.get(path) {
            return *id;
        }
        let id = ModuleId(u32::try_from(self.modules.len()).expect("few modules") + 2);
        self.modules.insert(path.into(), id);
        self.profile.modules_mut().add(Module {
            id,
            identity: FileIdentity {
                device: 1,
                inode: 1,
                size: 1,
                mtime_ns: 1,
            },
            path: path.into(),
            deleted: false,
            pid: Pid(10),
            mapped: (UserAddress(0), UserAddress(1)),
        });
        id
    }
}

fn header() -> Header {
    Header {
        version: "0.1.0".into(),
        command_line: vec!["somno".into(), "record".into()],
        target: "program".into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: "cpu-clock".into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::new(1000).expect("it is not zero")),
        off_cpu_min: None,
        began_unix_ns: 0,
        began: Timestamp(0),
        machine: Machine::default(),
    }
}

/// Everything in a recording.
pub(crate) fn everything(recording: &Recording) -> Selection<'_> {
    selected(recording, &Filter::default())
}

/// What a filter leaves of a recording.
pub(crate) fn selected<'a>(recording: &'a Recording, filter: &Filter) -> Selection<'a> {
    let began = recording.header.began;
    Selection::new(&recording.profile, &recording.names, began, filter)
}
