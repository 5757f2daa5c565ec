//! Batches that are made up, for tests.

use super::batch::{Batch, Sample};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::{FileIdentity, Module, Outcome, Weight};
use crate::id::{CgroupId, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::frames::{Frame, FrameId, FrameTable};
use crate::profile::names::{FrameName, Kind, Location, NamedFrame, Naming};
use crate::profile::threads::Thread;
use crate::time::{ProcessStart, Timestamp};

/// Where samples begin.
pub(crate) const BEGAN: Timestamp = Timestamp(1_000_000_000);

/// Samples that are put together.
#[derive(Default)]
pub(crate) struct Fake {
    frames: FrameTable,
    names: Vec<String>,
    batch: Batch,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let mut fake = Self::default();
        fake.batch.modules = vec![module(2, "/usr/bin/app"), module(3, "/lib/libc.so.6")];
        fake
    }

    /// Adds a sample of a stack of names with the marks of their kinds, root first:
    /// `lib:` before those of a library, `_[k]`, `_[w]`, `_[j]` and `_[i]` behind them.
    pub(crate) fn sample(&mut self, millisecond: u64, thread: (&str, u32, u32), stack: &[&str]) {
        let (comm, pid, tid) = thread;
        let ids: Vec<_> = stack.iter().map(|name| self.frame(name)).collect();
        self.batch.samples.push(Sample {
            time: Timestamp(BEGAN.0 + millisecond * 1_000_000),
            weight: Weight(1),
            thread: Thread {
                pid: Pid(pid),
                tid: Tid(tid),
                comm: comm.into(),
                cgroup: CgroupId::UNKNOWN,
                environment: EnvironmentId::NONE,
            },
            cpu: Cpu(u16::try_from(millisecond % 2).unwrap_or_default()),
            depth: ids.len(),
        });
        self.batch.stacks.extend(ids);
    }

    /// Names every frame.
    pub(crate) fn name_all(&mut self) {
        for (id, _) in self.frames.iter() {
            let naming = naming(&self.names[id.index()]);
            self.batch.named.push((id, naming));
        }
    }

    /// Gives what was put together since the last time.
    pub(crate) fn take(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    fn frame(&mut self, name: &str) -> FrameId {
        let known = self.names.iter().position(|other| other == name);
        let number = known.unwrap_or(self.names.len()) as u64 * 16;
        let frame = if name == "[no CFI]" {
            Frame::Reason(Outcome::NoCfi)
        } else if name.ends_with("_[k]") {
            Frame::Kernel(KernelAddress(number))
        } else if name.ends_with("_[w]") {
            Frame::Waker(KernelAddress(number))
        } else if name.ends_with("_[j]") {
            Frame::Anonymous(Pid(1), ProcessStart(0), UserAddress(number))
        } else {
            let module = if name.starts_with("lib:") { 3 } else { 2 };
            Frame::File(ModuleId(module), FileOffset(number))
        };
        let id = self.frames.intern(frame);
        if known.is_none() {
            self.names.push(name.into());
            self.batch.frames.push(frame);
        }
        id
    }
}

fn naming(name: &str) -> Naming {
    let name = name.trim_start_matches("lib:");
    let named = |text: &str, kind| NamedFrame {
        name: FrameName::new(text, kind),
        location: Some(Location {
            file: "src/app.c".into(),
            line: 7,
        }),
    };
    Naming::Named(if let Some(text) = name.strip_suffix("_[k]") {
        vec![named(text, Kind::Kernel)]
    } else if let Some(text) = name.strip_suffix("_[w]") {
        vec![named(text, Kind::Waker)]
    } else if let Some(text) = name.strip_suffix("_[j]") {
        vec![named(text, Kind::Jit)]
    } else if let Some(text) = name.strip_suffix("_[i]") {
        let outer = format!("{text}_outer");
        vec![named(&outer, Kind::User), named(text, Kind::Inlined)]
    } else if name == "[no CFI]" {
        vec![named(name, Kind::Reason)]
    } else {
        vec![named(name, Kind::User)]
    })
}

fn module(id: u32, path: &str) -> Module {
    Module {
        id: ModuleId(id),
        identity: FileIdentity {
            device: 1,
            inode: u64::from(id),
            size: 1,
            mtime_ns: 1,
        },
        path: path.as_bytes().into(),
        deleted: false,
        pid: Pid(1),
        mapped: (UserAddress(0), UserAddress(1)),
    }
}

/// Random numbers that are the same every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below another.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % end.max(1)
    }
}
