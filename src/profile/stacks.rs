//! The table of distinct stacks: each is a frame on top of another stack.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::frames::FrameId;

/// A stack's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(u32);

impl StackId {
    /// The empty stack.
    pub const ROOT: Self = Self(0);

    /// The stack's position, the empty one's 0, for tables beside this one.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Distinct stacks of whatever stands for a frame; those with the same callers share them.
#[derive(Debug)]
pub struct StackTable<F = FrameId> {
    /// Parent and frame of every stack but the empty one.
    nodes: Vec<(StackId, F)>,
    ids: FxHashMap<(StackId, F), StackId>,
}

impl<F> Default for StackTable<F> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            ids: FxHashMap::default(),
        }
    }
}

impl<F: Copy + Eq + Hash> StackTable<F> {
    /// Returns the stack of a frame called from `parent`, adding it when it is new.
    ///
    /// # Panics
    /// When there are 2^32 distinct stacks.
    pub fn intern(&mut self, parent: StackId, frame: F) -> StackId {
        *self.ids.entry((parent, frame)).or_insert_with(|| {
            self.nodes.push((parent, frame));
            StackId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 stacks"))
        })
    }

    /// The stack of a frame called from `parent`, where it is known.
    #[must_use]
    pub fn find(&self, parent: StackId, frame: F) -> Option<StackId> {
        self.ids.get(&(parent, frame)).copied()
    }

    /// The stack below a stack's leaf, and the leaf; none for the empty one.
    #[must_use]
    pub fn split(&self, stack: StackId) -> Option<(StackId, F)> {
        let index = (stack.0 as usize).checked_sub(1)?;
        self.nodes.get(index).copied()
    }

    /// Every stack but the empty one, with the one below its leaf and the leaf; that one
    /// comes first.
    ///
    /// # Panics
    /// When there are 2^32 distinct stacks.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (StackId, StackId, F)> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes.map(|(index, &(parent, frame))| {
            let id = u32::try_from(index + 1).expect("fewer than 2^32 stacks");
            (StackId(id), parent, frame)
        })
    }

    /// How many there are, the empty one not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The frames of a stack, root first.
    #[must_use]
    pub fn frames(&self, stack: StackId) -> Vec<F> {
        let mut frames = Vec::new();
        let mut at = stack;
        while let Some((parent, frame)) = self.split(at) {
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
