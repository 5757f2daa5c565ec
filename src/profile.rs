//! A profile: what was sampled, interned, one row a sample.

pub mod environments;
pub mod frames;
pub mod header;
pub mod histogram;
pub mod modules;
pub mod names;
pub mod stacks;
pub mod tally;
pub mod threads;
pub mod totals;

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::event::{CgroupPath, KernelHalf, Outcome, TaskState, Weight};
use crate::id::{CgroupId, Cpu};
use crate::stitch::{Sample, User};
use crate::time::Timestamp;

use self::environments::Environments;
use self::frames::{Frame, FrameId, FrameTable};
use self::modules::ModuleTable;
use self::stacks::{StackId, StackTable};
use self::threads::{Thread, ThreadId, ThreadTable};

/// Every sample, and the tables that samples refer to.
#[derive(Debug, Default)]
pub struct Profile {
    frames: FrameTable,
    stacks: StackTable,
    threads: ThreadTable,
    modules: ModuleTable,
    cgroups: FxHashMap<CgroupId, String>,
    environments: Environments,
    rows: Vec<Row>,
}

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// When it was taken.
    pub time: Timestamp,
    /// How many samples, or nanoseconds, it stands for.
    pub weight: Weight,
    /// The thread.
    pub thread: ThreadId,
    /// The stack: from the root the reason why it stopped short, where it did, then user
    /// frames, then kernel frames, then those of who ended the wait, leaf first.
    pub stack: StackId,
    /// The CPU.
    pub cpu: Cpu,
    /// Which of the header's events.
    pub event: u8,
    /// What the thread was doing.
    pub state: TaskState,
    /// How the user stack ended; none of a kernel thread.
    pub outcome: Option<Outcome>,
}

impl Profile {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: &Sample) {
        let outcome = sample.outcome();
        let mut stack = self.begin(outcome);
        if let User::Read(half) = &sample.user {
            for &frame in half.frames.iter().rev() {
                stack = self.push(stack, Frame::of_user(half.pid, half.process_start, frame));
            }
        }
        self.add_to(stack, &sample.kernel_half, outcome);
    }

    /// The stack that user frames go on top of: the reason why they stop short, if they do.
    pub fn begin(&mut self, outcome: Option<Outcome>) -> StackId {
        match outcome {
            Some(outcome) if outcome.reason().is_some() => {
                self.push(StackId::ROOT, Frame::Reason(outcome))
            }
            _ => StackId::ROOT,
        }
    }

    /// Adds a sample whose user stack, with its beginning, is known.
    pub fn add_to(&mut self, user: StackId, half: &KernelHalf, outcome: Option<Outcome>) {
        let mut stack = user;
        for &address in half.kernel.iter().rev() {
            stack = self.push(stack, Frame::Kernel(address));
        }
        if let Some(waker) = &half.waker {
            // leaf first: the wake-up is where both meet
            for &address in &waker.kernel {
                stack = self.push(stack, Frame::Waker(address));
            }
            stack = self.push(stack, Frame::WakerThread(waker.comm));
        }
        let thread = self.threads.intern(Thread {
            pid: half.pid,
            tid: half.tid,
            comm: half.comm,
            cgroup: half.cgroup,
            environment: half.environment,
        });
        self.rows.push(Row {
            time: half.time,
            weight: half.weight,
            thread,
            stack,
            cpu: half.cpu,
            event: half.event,
            state: half.state,
            outcome,
        });
    }

    /// Puts the rows in order of time, which they do not come in: each CPU has its own ring.
    pub fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.time);
    }

    /// From then to the last sample, in order of time.
    #[must_use]
    pub fn duration(&self, began: Timestamp) -> Duration {
        let last = self.rows.last().map_or(began, |row| row.time);
        Duration::from_nanos(last.0.saturating_sub(began.0))
    }

    /// The distinct frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable {
        &self.frames
    }

    /// The distinct stacks.
    #[must_use]
    pub fn stacks(&self) -> &StackTable {
        &self.stacks
    }

    /// The threads.
    #[must_use]
    pub fn threads(&self) -> &ThreadTable {
        &self.threads
    }

    /// The files that frames are in.
    #[must_use]
    pub fn modules(&self) -> &ModuleTable {
        &self.modules
    }

    /// The files that frames are in, to add to them.
    pub fn modules_mut(&mut self) -> &mut ModuleTable {
        &mut self.modules
    }

    /// Takes notice of where a cgroup is.
    pub fn add_cgroup(&mut self, cgroup: CgroupPath) {
        self.cgroups.insert(cgroup.id, cgroup.path);
    }

    /// Where a thread's cgroup is; nothing where that is not known.
    #[must_use]
    pub fn cgroup_of(&self, thread: &Thread) -> Option<&str> {
        self.cgroups.get(&thread.cgroup).map(String::as_str)
    }

    /// Variables of environments that were asked for.
    #[must_use]
    pub fn environments(&self) -> &Environments {
        &self.environments
    }

    /// The same, to add to them.
    pub fn environments_mut(&mut self) -> &mut Environments {
        &mut self.environments
    }

    /// The samples, in order of time after [`Self::sort`].
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The frames of a stack, root first.
    #[must_use]
    pub fn stack(&self, stack: StackId) -> Vec<FrameId> {
        self.stacks.frames(stack)
    }

    /// The stack of a frame on top of a stack.
    pub fn push(&mut self, parent: StackId, frame: Frame) -> StackId {
        let frame = self.frames.intern(frame);
        self.stacks.intern(parent, frame)
    }
}

/// What a stack's end is called where it is counted.
#[must_use]
pub fn outcome_key(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::NoCfi => "no_cfi",
        Outcome::BadCfi => "bad_cfi",
        Outcome::BrokenChain => "broken_chain",
        Outcome::Unreadable => "unreadable",
        Outcome::TooDeep => "too_deep",
        Outcome::Exited => "exited",
        Outcome::Exec => "exec",
        Outcome::Pending => "pending",
        Outcome::Lost => "lost",
        Outcome::Interrupt => "interrupt",
    }
}
