//! Where one is in the tree; kept by full stacks when the tree is made anew.

use rustc_hash::FxHashSet;

use crate::live::entries::EntryId;
use crate::live::tree::{NodeId, Tree};

/// Unfolded nodes that are remembered.
const UNFOLDED_MAX: usize = 10_000;

/// Nodes that matter to whoever looks.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The selected one.
    pub selected: NodeId,
    /// The one that fills the screen.
    pub zoom: NodeId,
    /// The ones that did so before.
    pub back: Vec<NodeId>,
    /// Those whose children are shown in the tree.
    pub unfolded: FxHashSet<NodeId>,
}

/// The same as paths from the root.
#[derive(Clone, Debug)]
pub struct Paths {
    selected: Vec<EntryId>,
    zoom: Vec<EntryId>,
    back: Vec<Vec<EntryId>>,
    unfolded: Vec<Vec<EntryId>>,
}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            selected: Tree::root(),
            zoom: Tree::root(),
            back: Vec::new(),
            unfolded: FxHashSet::from_iter([Tree::root()]),
        }
    }
}

impl Cursor {
    /// Tells where it is in a tree.
    #[must_use]
    pub fn paths(&self, tree: &Tree) -> Paths {
        let path = |&node: &NodeId| tree.path(node);
        Paths {
            selected: path(&self.selected),
            zoom: path(&self.zoom),
            back: self.back.iter().map(path).collect(),
            unfolded: self.unfolded.iter().map(path).collect(),
        }
    }

    /// Goes to the same places in another tree; what is not there is made, so that it
    /// is still selected when it comes again.
    pub fn restore(&mut self, paths: &Paths, tree: &mut Tree) {
        let mut node = |path: &Vec<EntryId>| tree.ensure(path);
        self.selected = node(&paths.selected);
        self.zoom = node(&paths.zoom);
        self.back = paths.back.iter().map(&mut node).collect();
        self.unfolded = paths.unfolded.iter().map(&mut node).collect();
        self.unfolded.insert(Tree::root());
    }

    /// Fills the screen with a node.
    pub fn zoom_to(&mut self, node: NodeId) {
        if node != self.zoom {
            self.back.push(self.zoom);
            self.zoom = node;
            self.selected = node;
        }
    }

    /// Goes back to what filled the screen before; tells whether there was anything.
    pub fn zoom_back(&mut self) -> bool {
        let before = self.back.pop();
        let before = before.or_else(|| (self.zoom != Tree::root()).then(Tree::root));
        if let Some(before) = before {
            self.zoom = before;
        }
        before.is_some()
    }

    /// Shows a node's children in the tree.
    pub fn unfold(&mut self, node: NodeId) {
        if self.unfolded.len() < UNFOLDED_MAX {
            self.unfolded.insert(node);
        }
    }
}

impl Paths {
    /// Changes every path.
    #[must_use]
    pub fn map(&self, change: impl Fn(&[EntryId]) -> Vec<EntryId>) -> Self {
        let change = |path: &Vec<EntryId>| change(path);
        Self {
            selected: change(&self.selected),
            zoom: change(&self.zoom),
            back: self.back.iter().map(change).collect(),
            unfolded: self.unfolded.iter().map(change).collect(),
        }
    }

    /// Looks at every path.
    pub fn visit(&self, mut look: impl FnMut(&[EntryId])) {
        let all = [&self.selected, &self.zoom].into_iter();
        let all = all.chain(&self.back).chain(&self.unfolded);
        all.for_each(|path| look(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::interned::Id as _;

    /// Check that a selection is the same stack in a tree that was made anew, also where
    /// that stack is not there at the moment.
    #[test]
    fn selection_is_a_stack() {
        let path: Vec<_> = [1, 2, 3].map(EntryId::at).into();
        let mut tree = Tree::new(EntryId::at(0));
        let mut cursor = Cursor {
            selected: tree.ensure(&path),
            ..Cursor::default()
        };
        cursor.zoom_to(tree.follow(&path[..2]));
        cursor.selected = tree.follow(&path);
        let paths = cursor.paths(&tree);
        let mut other = Tree::new(EntryId::at(0));
        other.ensure(&[EntryId::at(7)]);
        cursor.restore(&paths, &mut other);
        assert_eq!(other.path(cursor.selected), path);
        assert_eq!(other.path(cursor.zoom), path[..2]);
        assert!(cursor.zoom_back() && !cursor.zoom_back());
    }
}
