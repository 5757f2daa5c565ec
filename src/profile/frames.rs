//! The table of distinct frames.

use rustc_hash::FxHashMap;

use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::{Comm, Outcome, UserFrame};
use crate::id::{ModuleId, Pid};
use crate::time::ProcessStart;

/// A place where code was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// No code: the stack below stopped short, for this reason.
    Reason(Outcome),
    /// In a file that was mapped.
    File(ModuleId, FileOffset),
    /// In anonymous memory of one process.
    Anonymous(Pid, ProcessStart, UserAddress),
    /// In the kernel.
    Kernel(KernelAddress),
    /// In the kernel, where somebody else ended the wait.
    Waker(KernelAddress),
    /// No code: a thread of this name did.
    WakerThread(Comm),
}

impl Frame {
    /// Where a frame of a process is.
    #[must_use]
    pub fn of_user(pid: Pid, start: ProcessStart, frame: UserFrame) -> Self {
        match frame {
            UserFrame::File(module, offset) => Self::File(module, offset),
            UserFrame::Anonymous(address) => Self::Anonymous(pid, start, address),
        }
    }
}

/// A frame's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(u32);

impl FrameId {
    /// The frame's position, for tables beside this one.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Distinct frames, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct FrameTable {
    frames: Vec<Frame>,
    ids: FxHashMap<Frame, FrameId>,
}

impl FrameTable {
    /// Returns the id of a frame, adding it when it is new.
    ///
    /// # Panics
    /// When there are 2^32 distinct frames.
    pub fn intern(&mut self, frame: Frame) -> FrameId {
        *self.ids.entry(frame).or_insert_with(|| {
            let id = FrameId(u32::try_from(self.frames.len()).expect("fewer than 2^32 frames"));
            self.frames.push(frame);
            id
        })
    }

    /// The frame with this id.
    ///
    /// # Panics
    /// When the id is of another table.
    #[must_use]
    pub fn get(&self, id: FrameId) -> Frame {
        self.frames[id.index()]
    }

    /// Every frame with its id.
    pub fn iter(&self) -> impl Iterator<Item = (FrameId, Frame)> + '_ {
        (0..).map(FrameId).zip(self.frames.iter().copied())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}
