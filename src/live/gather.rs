//! Puts samples together for whoever shows them.

use super::batch::{Batch, Sample};
use crate::id::CgroupId;
use crate::profile::frames::{Frame, FrameId, FrameTable};
use crate::profile::threads::Thread;
use crate::stitch::{self, User};

/// Frames that have numbers; beyond that numbers begin anew. Some 10 MB.
const FRAMES_MAX: usize = 1 << 17;

/// Samples, and the frames that they have.
#[derive(Debug, Default)]
pub struct Gatherer {
    frames: FrameTable,
    batch: Batch,
}

impl Gatherer {
    /// Makes one that has nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a sample.
    pub fn add(&mut self, sample: &stitch::Sample) {
        let from = self.batch.stacks.len();
        let reason = sample
            .outcome()
            .filter(|outcome| outcome.reason().is_some());
        self.push(reason.map(Frame::Reason));
        if let User::Read(half) = &sample.user {
            let frames = half.frames.iter().rev();
            self.push(frames.map(|&frame| Frame::of_user(half.pid, half.process_start, frame)));
        }
        let half = &sample.kernel_half;
        self.push(
            half.kernel
                .iter()
                .rev()
                .map(|&address| Frame::Kernel(address)),
        );
        if let Some(waker) = &half.waker {
            self.push(waker.kernel.iter().map(|&address| Frame::Waker(address)));
            self.push([Frame::WakerThread(waker.comm)]);
        }
        self.batch.samples.push(Sample {
            time: half.time,
            weight: half.weight,
            thread: Thread {
                pid: half.pid,
                tid: half.tid,
                comm: half.comm,
                // nothing here is by cgroup, and one thread is one row
                cgroup: CgroupId::UNKNOWN,
                environment: half.environment,
            },
            cpu: half.cpu,
            depth: self.batch.stacks.len() - from,
        });
    }

    /// What is gathered, to add modules and names to it.
    pub fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Frames with numbers from one on.
    pub fn frames_from(&self, first: usize) -> impl Iterator<Item = (FrameId, Frame)> + '_ {
        self.frames.iter().skip(first)
    }

    /// The frame with a number.
    #[must_use]
    pub fn frame(&self, id: FrameId) -> Frame {
        self.frames.get(id)
    }

    /// How many frames have numbers.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Takes what was gathered. Where numbers of frames begin anew behind it, the next
    /// batch says so.
    pub fn take(&mut self) -> Batch {
        let batch = std::mem::take(&mut self.batch);
        if self.frames.len() > FRAMES_MAX {
            self.frames = FrameTable::default();
            self.batch.anew = true;
        }
        batch
    }

    fn push(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            let known = self.frames.len();
            let id = self.frames.intern(frame);
            if id.index() == known {
                self.batch.frames.push(frame);
            }
            self.batch.stacks.push(id);
        }
    }
}
