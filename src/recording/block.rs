//! What a compressed frame is made of: definitions first, then what refers to them.

use super::columns::{Differ, squeeze};
use super::format::{self, Kind};
use crate::addr::{FileOffset, UserAddress};
use crate::event::{KernelHalf, Outcome, Promise, TaskChange, TaskNotice, TaskState, UserHalf};
use crate::id::{Cookie, ModuleId};
use crate::profile::frames::{Frame, FrameId};
use crate::profile::stacks::StackId;
use crate::profile::threads::ThreadId;
use crate::time::Timestamp;

/// Place codes of frames; those of modules follow.
pub(super) const IN_KERNEL: u32 = 0;
pub(super) const IN_ANONYMOUS: u32 = 1;

/// Promise codes; those of outcomes follow.
pub(super) const DEFERRED: u32 = 0;
pub(super) const KERNEL_ONLY: u32 = 1;
pub(super) const NEVER: u32 = 2;

/// Flags of kernel halves.
pub(super) const OWN_COST: u32 = 1;
pub(super) const IN_NMI: u32 = 2;

/// Codes of notices.
pub(super) const FORKED: u32 = 0;
pub(super) const EXECED: u32 = 1;
pub(super) const RENAMED: u32 = 2;
pub(super) const EXITED: u32 = 3;

/// Samples and notices of a frame, however much one round of reading brings.
pub(super) const ROWS_MAX: usize = 1 << 16;
/// Frames of all of their stacks together, likewise.
pub(super) const DEPTHS_MAX: usize = 1 << 22;
/// Bytes of definitions, likewise: far from what a reader takes.
const DEFINED_MAX: usize = 4 << 20;
/// Bytes that a frame and a stack take at most, which are columns of numbers.
const FRAME_BYTES: usize = 32;
const STACK_BYTES: usize = 10;

/// Entries that are being collected.
#[derive(Debug)]
pub(super) struct Block {
    entries: Vec<Kind>,
    /// Bytes of definitions, at most.
    defined: usize,
    frames: format::Frames,
    stacks: format::Stacks,
    kernel_halves: format::KernelHalves,
    user_halves: format::UserHalves,
    notices: format::Notices,
    last: Last,
    depths: usize,
    began: Timestamp,
}

/// What differences are to.
#[derive(Debug, Default)]
struct Last {
    offset: Differ,
    leaf: u32,
    kernel_time: Differ,
    kernel_turn: Differ,
    user_time: Differ,
    pid: Differ,
    tid: Differ,
    process_start: Differ,
    user_turn: Differ,
    stack: Differ,
    notice_time: Differ,
}

impl Block {
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            entries: Vec::new(),
            defined: 0,
            frames: format::Frames::default(),
            stacks: format::Stacks::default(),
            kernel_halves: format::KernelHalves::default(),
            user_halves: format::UserHalves::default(),
            notices: format::Notices::default(),
            last: Last {
                kernel_time: Differ::from(began.0),
                user_time: Differ::from(began.0),
                notice_time: Differ::from(began.0),
                ..Last::default()
            },
            depths: 0,
            began,
        }
    }

    /// Whether it is to be written before anything else is added.
    pub(super) fn is_full(&self) -> bool {
        self.rows() >= ROWS_MAX || self.depths >= DEPTHS_MAX || self.defined >= DEFINED_MAX
    }

    /// Adds an entry of its own.
    pub(super) fn entry(&mut self, kind: Kind) {
        self.defined += kind.encoded_len();
        self.entries.push(kind);
    }

    /// Samples and notices in it.
    pub(super) fn rows(&self) -> usize {
        self.kernel_halves.time.len() + self.user_halves.time.len() + self.notices.time.len()
    }

    /// Defines the next frame.
    pub(super) fn frame(&mut self, frame: Frame) {
        self.defined += FRAME_BYTES;
        let (place, offset) = match frame {
            Frame::Kernel(address) => (IN_KERNEL, address.0),
            Frame::Anonymous(pid, start, UserAddress(address)) => {
                self.frames.pid.push(pid.0);
                self.frames.process_start.push(start.0);
                (IN_ANONYMOUS, address)
            }
            Frame::File(ModuleId(module), FileOffset(offset)) => (module.wrapping_add(1), offset),
            Frame::Reason(_) | Frame::Waker(_) | Frame::WakerThread(_) => {
                unreachable!("no half of a sample has one, nor a waker's of its own")
            }
        };
        self.frames.place.push(place);
        self.frames.offset.push(self.last.offset.next(offset));
    }

    /// Defines the next stack, this one.
    pub(super) fn stack(&mut self, own: StackId, parent: StackId, leaf: FrameId) {
        self.defined += STACK_BYTES;
        let before = own.index() - parent.index();
        let leaf = u32::try_from(leaf.index()).expect("it is the index of an id");
        let before = u32::try_from(before).expect("so is this");
        self.stacks.parent.push(before);
        let difference = leaf.wrapping_sub(self.last.leaf).cast_signed();
        self.stacks.frame.push(difference);
        self.last.leaf = leaf;
    }

    /// Has the numbers of stacks begin again.
    pub(super) fn reset_stacks(&mut self) {
        self.stacks.reset = true;
    }

    pub(super) fn kernel_half(
        &mut self,
        half: &KernelHalf,
        (thread, stack): (ThreadId, StackId),
        waker: Option<(ThreadId, StackId)>,
    ) {
        let of_waker = half.waker.as_ref().map_or(0, |waker| waker.kernel.len());
        self.depths += half.kernel.len() + of_waker;
        let columns = &mut self.kernel_halves;
        let (promise, cookie) = match half.promise {
            Promise::Deferred(cookie) => (DEFERRED, cookie),
            Promise::KernelOnly => (KERNEL_ONLY, Cookie { slot: 0, turn: 0 }),
            Promise::Never(outcome) => (NEVER + code(outcome), Cookie { slot: 0, turn: 0 }),
        };
        columns.time.push(self.last.kernel_time.next(half.time.0));
        columns.thread.push(index(thread.index()));
        columns.cpu.push(half.cpu.0.into());
        columns.weight.push(half.weight.0.wrapping_sub(1));
        columns.event.push(half.event.into());
        columns.promise.push(promise);
        columns.slot.push(cookie.slot);
        columns
            .turn
            .push(self.last.kernel_turn.next(cookie.turn.into()));
        columns.stack.push(index(stack.index()));
        let own_cost = if half.own_cost { OWN_COST } else { 0 };
        let in_nmi = if half.in_nmi { IN_NMI } else { 0 };
        columns.flags.push(own_cost | in_nmi);
        columns.state.push(state_code(half.state));
        let (waker, waker_stack) = waker.map_or((0, 0), |(thread, stack)| {
            (index(thread.index()) + 1, index(stack.index()))
        });
        columns.waker.push(waker);
        columns.waker_stack.push(waker_stack);
    }

    pub(super) fn user_half(&mut self, half: &UserHalf, stack: StackId) {
        self.depths += half.frames.len();
        let columns = &mut self.user_halves;
        let last = &mut self.last;
        columns.time.push(last.user_time.next(half.time.0));
        columns.pid.push(last.pid.next(half.pid.0.into()));
        columns.tid.push(last.tid.next(half.tid.0.into()));
        let start = last.process_start.next(half.process_start.0);
        columns.process_start.push(start);
        columns.slot.push(half.cookie.slot);
        columns
            .turn
            .push(last.user_turn.next(half.cookie.turn.into()));
        columns.outcome.push(code(half.outcome));
        columns.leaving.push(half.leaving.into());
        columns.cost_ns.push(half.cost_ns);
        columns.slept.push(half.slept);
        columns.stack.push(last.stack.next(stack.index() as u64));
    }

    pub(super) fn notice(&mut self, notice: &TaskNotice, thread: ThreadId) {
        let what = match notice.what {
            TaskChange::Forked(parent) => {
                self.notices.parent.push(parent.0);
                FORKED
            }
            TaskChange::Execed => EXECED,
            TaskChange::Renamed => RENAMED,
            TaskChange::Exited => EXITED,
        };
        let time = self.last.notice_time.next(notice.time.0);
        self.notices.time.push(time);
        self.notices.thread.push(index(thread.index()));
        self.notices.what.push(what);
    }

    /// Everything, in the order in which it can be read; what was collected is gone.
    pub(super) fn take(&mut self) -> Vec<Kind> {
        let mut block = std::mem::replace(self, Self::new(self.began));
        let mut entries = block.entries;
        if !block.frames.place.is_empty() {
            entries.push(Kind::Frames(block.frames));
        }
        if !block.stacks.parent.is_empty() || block.stacks.reset {
            entries.push(Kind::Stacks(block.stacks));
        }
        if !block.user_halves.time.is_empty() {
            squeeze(&mut block.user_halves.slept);
            squeeze(&mut block.user_halves.leaving);
            squeeze(&mut block.user_halves.outcome);
            entries.push(Kind::UserHalves(block.user_halves));
        }
        if !block.kernel_halves.time.is_empty() {
            let columns = &mut block.kernel_halves;
            squeeze(&mut columns.weight);
            squeeze(&mut columns.event);
            squeeze(&mut columns.promise);
            squeeze(&mut columns.flags);
            squeeze(&mut columns.state);
            squeeze(&mut columns.waker);
            squeeze(&mut columns.waker_stack);
            entries.push(Kind::KernelHalves(block.kernel_halves));
        }
        if !block.notices.time.is_empty() {
            entries.push(Kind::Notices(block.notices));
        }
        entries
    }
}

/// An outcome's number.
pub(super) fn code(outcome: Outcome) -> u32 {
    let position = Outcome::ALL.iter().position(|&other| other == outcome);
    index(position.expect("all of them are in the list"))
}

/// A state's number.
fn state_code(state: TaskState) -> u32 {
    let position = TaskState::ALL.iter().position(|&other| other == state);
    index(position.expect("all of them are in the list"))
}

/// An index as it is written: tables have fewer than 2^32 entries.
pub(super) fn index(index: usize) -> u32 {
    u32::try_from(index).expect("tables are shorter")
}
