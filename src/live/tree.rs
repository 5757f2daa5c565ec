//! Stacks put together by function, from the root: what a flame graph shows.

use rustc_hash::FxHashMap;

use super::entries::EntryId;
use super::interned::{Id as _, id};
use crate::profile::stacks::StackId;

id!(
    /// A node's place in the tree.
    NodeId
);

/// Nodes of a tree at most; what would be more is counted by what called it. Some 60 MB.
const NODES_MAX: usize = 1 << 19;
/// Stacks whose nodes are remembered; those of others are found frame by frame. Some 40 MB.
const STACKS_MAX: usize = 1 << 20;

/// A tree to which weights are added and taken away.
#[derive(Debug)]
pub struct Tree {
    links: Vec<Link>,
    parents: Vec<NodeId>,
    totals: Vec<f64>,
    own: Vec<f64>,
    children: FxHashMap<(NodeId, EntryId), NodeId>,
    /// Nodes of stacks below what stands at their root.
    stacks: FxHashMap<(NodeId, StackId), NodeId>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    entry: EntryId,
    depth: u32,
    first_child: Option<NodeId>,
    next: Option<NodeId>,
    /// Whether the entry is not on the way from the root to here already.
    is_outermost: bool,
}

impl Tree {
    /// Makes a tree with a root only.
    #[must_use]
    pub fn new(root: EntryId) -> Self {
        Self {
            links: vec![Link {
                entry: root,
                depth: 0,
                first_child: None,
                next: None,
                is_outermost: true,
            }],
            parents: vec![Self::root()],
            totals: vec![0.0],
            own: vec![0.0],
            children: FxHashMap::default(),
            stacks: FxHashMap::default(),
        }
    }

    /// The root.
    #[must_use]
    pub fn root() -> NodeId {
        NodeId::at(0)
    }

    /// What a node stands for.
    #[must_use]
    pub fn entry(&self, node: NodeId) -> EntryId {
        self.links[node.index()].entry
    }

    /// How far from the root it is.
    #[must_use]
    pub fn depth(&self, node: NodeId) -> usize {
        self.links[node.index()].depth as usize
    }

    /// Whether its entry is not on the way from the root to it already, so that its
    /// total counts for the entry's.
    #[must_use]
    pub fn is_outermost(&self, node: NodeId) -> bool {
        self.links[node.index()].is_outermost
    }

    /// The sum of weights here and above.
    #[must_use]
    pub fn total(&self, node: NodeId) -> f64 {
        self.totals[node.index()]
    }

    /// The sum of weights that end here.
    #[must_use]
    pub fn own(&self, node: NodeId) -> f64 {
        self.own[node.index()]
    }

    /// What called it; none of the root.
    #[must_use]
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != Self::root()).then(|| self.parents[node.index()])
    }

    /// What it called, in no order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let first = self.links[node.index()].first_child;
        std::iter::successors(first, |child| self.links[child.index()].next)
    }

    /// Every node; those that call before those that are called.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.links.len()).map(NodeId::at)
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether nothing was ever added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// The entries from below the root to a node.
    #[must_use]
    pub fn path(&self, node: NodeId) -> Vec<EntryId> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some(parent) = self.parent(at) {
            path.push(self.entry(at));
            at = parent;
        }
        path.reverse();
        path
    }

    /// The node of a path, as far as it goes.
    #[must_use]
    pub fn follow(&self, path: &[EntryId]) -> NodeId {
        let child = |node, entry: &EntryId| self.children.get(&(node, *entry)).copied();
        let mut node = Self::root();
        for entry in path {
            match child(node, entry) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The node of a path, which is made where it is not there.
    pub fn ensure(&mut self, path: &[EntryId]) -> NodeId {
        path.iter()
            .fold(Self::root(), |node, &entry| self.child(node, entry))
    }

    /// Adds a weight to a node and all that lead to it.
    pub fn add(&mut self, node: NodeId, weight: f64) {
        self.own[node.index()] += weight;
        let mut at = node;
        loop {
            self.totals[at.index()] += weight;
            if at == Self::root() {
                return;
            }
            at = self.parents[at.index()];
        }
    }

    /// Multiplies all weights.
    pub fn scale(&mut self, factor: f64) {
        let sums = self.totals.iter_mut().chain(&mut self.own);
        sums.for_each(|sum| *sum *= factor);
    }

    /// The child with an entry, which is made where it is not there; the node itself
    /// where the tree is full.
    pub fn child(&mut self, parent: NodeId, entry: EntryId) -> NodeId {
        if let Some(&child) = self.children.get(&(parent, entry)) {
            return child;
        }
        if self.links.len() >= NODES_MAX {
            return parent;
        }
        let child = NodeId::at(self.links.len());
        let is_outermost = !self.has_above(parent, entry);
        let above = &mut self.links[parent.index()];
        let (depth, next) = (above.depth + 1, above.first_child.replace(child));
        self.links.push(Link {
            entry,
            depth,
            first_child: None,
            next,
            is_outermost,
        });
        self.parents.push(parent);
        self.totals.push(0.0);
        self.own.push(0.0);
        self.children.insert((parent, entry), child);
        child
    }

    /// The node that was made for a stack below a node.
    #[must_use]
    pub fn of_stack(&self, below: NodeId, stack: StackId) -> Option<NodeId> {
        self.stacks.get(&(below, stack)).copied()
    }

    /// Remembers the node of a stack below a node, where there is room.
    pub fn set_stack(&mut self, below: NodeId, stack: StackId, node: NodeId) {
        if self.stacks.len() < STACKS_MAX {
            self.stacks.insert((below, stack), node);
        }
    }

    fn has_above(&self, node: NodeId, entry: EntryId) -> bool {
        let mut at = node;
        loop {
            if self.entry(at) == entry {
                return true;
            }
            match self.parent(at) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of small integers are exact")]
mod tests {
    use super::*;

    fn entries(path: &[usize]) -> Vec<EntryId> {
        path.iter().map(|&entry| EntryId::at(entry)).collect()
    }

    /// Check that weights reach all callers, and go again.
    #[test]
    fn weights_go_to_the_root() {
        let mut tree = Tree::new(EntryId::at(0));
        let leaf = tree.ensure(&entries(&[1, 2, 1]));
        let other = tree.ensure(&entries(&[1, 3]));
        tree.add(leaf, 5.0);
        tree.add(other, 2.0);
        tree.add(leaf, -1.0);
        let middle = tree.follow(&entries(&[1, 2]));
        let weights = [Tree::root(), middle, leaf, other].map(|node| tree.total(node));
        assert_eq!(weights, [6.0, 4.0, 4.0, 2.0]);
        assert_eq!((tree.own(middle), tree.own(leaf)), (0.0, 4.0));
        assert!(tree.is_outermost(middle) && !tree.is_outermost(leaf));
        assert_eq!(tree.path(leaf), entries(&[1, 2, 1]));
        assert_eq!(tree.follow(&entries(&[1, 2, 9])), middle);
        assert_eq!(tree.children(tree.follow(&entries(&[1]))).count(), 2);
    }
}
