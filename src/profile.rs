//! A profile: interned stacks and what they weigh.

pub mod frames;
pub mod histogram;
pub mod stacks;
pub mod tally;

use rustc_hash::FxHashMap;

use crate::event::{Comm, Outcome, UserFrame, Weight};
use crate::id::Pid;
use crate::stitch::{Sample, User};
use crate::time::ProcessStart;

use self::frames::{Frame, FrameId, FrameTable};
use self::stacks::{StackId, StackTable};

/// The distinct stacks of all samples, by thread name, with their weights.
#[derive(Debug, Default)]
pub struct Profile {
    frames: FrameTable,
    stacks: StackTable,
    weights: FxHashMap<(Comm, StackId), Weight>,
}

/// One distinct stack of threads of one name.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The threads' name.
    pub comm: Comm,
    /// The stack.
    pub stack: StackId,
    /// What it weighs.
    pub weight: Weight,
}

impl Profile {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample: from the root the reason why its stack stopped short,
    /// where it did, then user frames, then kernel frames.
    pub fn add(&mut self, sample: &Sample) {
        let mut stack = StackId::ROOT;
        if let Some(outcome) = sample.outcome()
            && outcome.reason().is_some()
        {
            stack = self.push(stack, Frame::Reason(outcome));
        }
        if let User::Read(half) = &sample.user {
            for &frame in half.frames.iter().rev() {
                stack = self.push(stack, user_frame(half.pid, half.process_start, frame));
            }
        }
        for &address in sample.kernel_half.kernel.iter().rev() {
            stack = self.push(stack, Frame::Kernel(address));
        }
        *self
            .weights
            .entry((sample.kernel_half.comm, stack))
            .or_default() += sample.kernel_half.weight;
    }

    /// The distinct frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable {
        &self.frames
    }

    /// Every distinct stack with its weight, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.weights.iter().map(|(&(comm, stack), &weight)| Row {
            comm,
            stack,
            weight,
        })
    }

    /// The frames of a stack, root first.
    #[must_use]
    pub fn stack(&self, stack: StackId) -> Vec<FrameId> {
        self.stacks.frames(stack)
    }

    /// What all samples weigh together.
    #[must_use]
    pub fn total(&self) -> Weight {
        self.weights.values().copied().sum()
    }

    fn push(&mut self, parent: StackId, frame: Frame) -> StackId {
        let frame = self.frames.intern(frame);
        self.stacks.intern(parent, frame)
    }
}

fn user_frame(pid: Pid, start: ProcessStart, frame: UserFrame) -> Frame {
    match frame {
        UserFrame::File(module, offset) => Frame::File(module, offset),
        UserFrame::Anonymous(address) => Frame::Anonymous(pid, start, address),
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
