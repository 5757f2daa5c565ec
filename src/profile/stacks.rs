//! The table of distinct stacks: each is a frame on top of another stack.

use rustc_hash::FxHashMap;

use super::frames::FrameId;

/// A stack's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(u32);

impl StackId {
    /// The empty stack.
    pub const ROOT: Self = Self(0);
}

/// Distinct stacks; those with the same callers share them.
#[derive(Debug, Default)]
pub struct StackTable {
    /// Parent and frame of every stack but the empty one.
    nodes: Vec<(StackId, FrameId)>,
    ids: FxHashMap<(StackId, FrameId), StackId>,
}

impl StackTable {
    /// Returns the stack of a frame called from `parent`, adding it when it is new.
    ///
    /// # Panics
    /// When there are 2^32 distinct stacks.
    pub fn intern(&mut self, parent: StackId, frame: FrameId) -> StackId {
        *self.ids.entry((parent, frame)).or_insert_with(|| {
            self.nodes.push((parent, frame));
            StackId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 stacks"))
        })
    }

    /// The frames of a stack, root first.
    #[must_use]
    pub fn frames(&self, stack: StackId) -> Vec<FrameId> {
        let mut frames = Vec::new();
        let mut at = stack;
        while at != StackId::ROOT {
            let (parent, frame) = self.nodes[at.0 as usize - 1];
            frames.push(frame);
            at = parent;
        }
        frames.reverse();
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::KernelAddress;
    use crate::profile::frames::{Frame, FrameTable};

    /// Check that equal stacks are one, and come back root first.
    #[test]
    fn stacks_are_interned() {
        let mut frames = FrameTable::default();
        let a = frames.intern(Frame::Kernel(KernelAddress(1)));
        let b = frames.intern(Frame::Kernel(KernelAddress(2)));
        let mut stacks = StackTable::default();
        let ab = {
            let bottom = stacks.intern(StackId::ROOT, a);
            stacks.intern(bottom, b)
        };
        let again = {
            let bottom = stacks.intern(StackId::ROOT, a);
            stacks.intern(bottom, b)
        };
        assert_eq!(ab, again);
        assert_eq!(stacks.frames(ab), [a, b]);
        assert_eq!(stacks.frames(StackId::ROOT), []);
    }
}
