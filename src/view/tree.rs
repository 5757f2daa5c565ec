//! Call trees: from roots to leaves, or from functions to their callers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::functions::{Function, FunctionId, FunctionTable};
use super::merged::Order;
use super::selection::Selection;
use crate::event::Weight;

/// A node's place in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A group of samples: a thread's name, a process, a CPU. Safe to show.
    Group(String),
    /// A function in this place of the tree.
    Function(FunctionId),
}

/// A place in a tree, and what it weighs.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it stands for.
    pub what: What,
    /// What ends here.
    pub own: Weight,
    /// What ends here or further out: `own`, and the totals of all children.
    pub total: Weight,
    /// The one that weighs the most first.
    pub children: Vec<NodeId>,
}

/// Stacks put together from one end.
#[derive(Debug)]
pub struct Tree<'a> {
    /// Which end they were put together from: what ends in a node is its own from the root only.
    pub order: Order,
    /// The functions that nodes refer to.
    pub functions: FunctionTable<'a>,
    /// The one that weighs the most first.
    pub roots: Vec<NodeId>,
    nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    /// Makes the tree of calls, groups at its roots.
    #[must_use]
    pub fn of_calls(selection: &Selection<'a>) -> Self {
        let mut builder = Builder::new(selection, Order::FromRoot);
        for ((label, stack), weight) in selection.weights() {
            let functions = builder.functions.of_stack(selection, stack);
            let group = label.map(|label| builder.group(None, label, weight));
            builder.add(group, functions, weight);
        }
        builder.finish()
    }

    /// Makes a tree from functions that match to their callers, and groups at its leaves.
    ///
    /// A function is a root once for a stack, where it is nearest to the leaf. Where two that
    /// match are on one stack, it is under both: roots may weigh more than all samples.
    #[must_use]
    pub fn of_callers(selection: &Selection<'a>, wanted: &Regex) -> Self {
        let mut builder = Builder::new(selection, Order::FromLeaf);
        let matching: Vec<bool> = builder
            .functions
            .iter()
            .map(|(_, function)| wanted.is_match(function.name.text()))
            .collect();
        for ((label, stack), weight) in selection.weights() {
            let mut functions = builder.functions.of_stack(selection, stack);
            functions.reverse();
            let mut seen = HashSet::new();
            for (position, function) in functions.iter().enumerate() {
                if matching[function.index()] && seen.insert(function) {
                    let callers = functions[position..].iter().copied();
                    let root = builder.walk(None, callers, weight);
                    builder.end(root, label.clone(), weight);
                }
            }
        }
        builder.finish()
    }

    /// A place in the tree.
    ///
    /// # Panics
    /// When the id is of another tree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The function that a node stands for, unless it is a group.
    #[must_use]
    pub fn function(&self, node: &Node) -> Option<Function<'a>> {
        match node.what {
            What::Group(_) => None,
            What::Function(id) => Some(self.functions.get(id)),
        }
    }
}

struct Builder<'a> {
    order: Order,
    functions: FunctionTable<'a>,
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
    children: FxHashMap<(Option<NodeId>, FunctionId), NodeId>,
    groups: HashMap<(Option<NodeId>, Arc<str>), NodeId>,
}

impl<'a> Builder<'a> {
    fn new(selection: &Selection<'a>, order: Order) -> Self {
        Self {
            order,
            functions: FunctionTable::new(selection),
            nodes: Vec::new(),
            roots: Vec::new(),
            children: FxHashMap::default(),
            groups: HashMap::new(),
        }
    }

    /// Adds a stack under a group, root first.
    fn add(&mut self, group: Option<NodeId>, functions: Vec<FunctionId>, weight: Weight) {
        let last = self.walk(group, functions.into_iter(), weight);
        if let Some(last) = last {
            self.nodes[last.0 as usize].own += weight;
        }
    }

    /// Adds a weight to every node of a path, and returns the last.
    fn walk(
        &mut self,
        parent: Option<NodeId>,
        path: impl Iterator<Item = FunctionId>,
        weight: Weight,
    ) -> Option<NodeId> {
        path.fold(parent, |parent, function| {
            let known = self.children.get(&(parent, function)).copied();
            let node = known.unwrap_or_else(|| {
                let node = self.push(parent, What::Function(function));
                self.children.insert((parent, function), node);
                node
            });
            self.nodes[node.0 as usize].total += weight;
            Some(node)
        })
    }

    /// Ends a path of callers with the group that it belongs to.
    fn end(&mut self, last: Option<NodeId>, label: Option<Arc<str>>, weight: Weight) {
        let end = match label {
            Some(label) => Some(self.group(last, label, weight)),
            None => last,
        };
        if let Some(end) = end {
            self.nodes[end.0 as usize].own += weight;
        }
    }

    fn group(&mut self, parent: Option<NodeId>, label: Arc<str>, weight: Weight) -> NodeId {
        let key = (parent, label);
        let known = self.groups.get(&key).copied();
        let node = known.unwrap_or_else(|| {
            let node = self.push(parent, What::Group(key.1.to_string()));
            self.groups.insert(key, node);
            node
        });
        self.nodes[node.0 as usize].total += weight;
        node
    }

    fn push(&mut self, parent: Option<NodeId>, what: What) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 places"));
        self.nodes.push(Node {
            what,
            own: Weight(0),
            total: Weight(0),
            children: Vec::new(),
        });
        match parent {
            Some(parent) => self.nodes[parent.0 as usize].children.push(id),
            None => self.roots.push(id),
        }
        id
    }

    /// Puts siblings in order: by weight, then by name.
    fn finish(mut self) -> Tree<'a> {
        let totals: Vec<Weight> = self.nodes.iter().map(|node| node.total).collect();
        let names: Vec<String> = self.nodes.iter().map(|node| self.name(node)).collect();
        let sort = |ids: &mut Vec<NodeId>| {
            ids.sort_by(|a, b| {
                let (a, b) = (a.0 as usize, b.0 as usize);
                totals[b]
                    .cmp(&totals[a])
                    .then_with(|| names[a].cmp(&names[b]))
            });
        };
        sort(&mut self.roots);
        for node in &mut self.nodes {
            sort(&mut node.children);
        }
        Tree {
            order: self.order,
            functions: self.functions,
            roots: self.roots,
            nodes: self.nodes,
        }
    }

    fn name(&self, node: &Node) -> String {
        match &node.what {
            What::Group(label) => label.clone(),
            What::Function(id) => self.functions.get(*id).name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{self, Who, everything, selected};
    use crate::view::selection::{Filter, Group};

    fn recording() -> Recording {
        let other = Who {
            comm: "other",
            pid: 11,
            tid: 11,
            ..Who::default()
        };
        fixture::Builder::new()
            .stack(&["main", "f", "f", "g"], 3)
            .stack(&["main", "f"], 2)
            .stack(&["main", "g", "h_[k]"], 1)
            .stack_of(other, &["main", "g"], 4)
            .stack_of(other, &[], 1)
            .build()
    }

    /// Writes a tree as `name own/total(children)`.
    fn text(tree: &Tree<'_>, ids: &[NodeId]) -> String {
        let node = |id: &NodeId| {
            let node = tree.node(*id);
            let name = match &node.what {
                What::Group(label) => label.clone(),
                What::Function(id) => tree.functions.get(*id).name.to_string(),
            };
            let children = text(tree, &node.children);
            format!("{name} {}/{}({children})", node.own.0, node.total.0)
        };
        ids.iter().map(node).collect::<Vec<_>>().join(", ")
    }

    /// Check that no weight is lost, and children weigh at most what their parent does.
    fn check_weights(tree: &Tree<'_>, total: u64) {
        let own: u64 = tree.nodes.iter().map(|node| node.own.0).sum();
        assert_eq!(own, total);
        for node in &tree.nodes {
            let children: Weight = node.children.iter().map(|id| tree.node(*id).total).sum();
            assert_eq!(children.0 + node.own.0, node.total.0);
        }
    }

    /// Check a tree of calls: groups at the roots, the heaviest first, nothing lost.
    #[test]
    fn calls_are_put_together() {
        let recording = recording();
        let selection = everything(&recording);
        let tree = Tree::of_calls(&selection);
        assert_eq!(
            text(&tree, &tree.roots),
            "program 0/6(main 0/6(f 2/5(f 0/3(g 3/3())), g 0/1(h_[k] 1/1()))), \
             other 1/5(main 0/4(g 4/4()))"
        );
        check_weights(&tree, selection.total().0);
    }

    /// Check that without groups the functions are the roots.
    #[test]
    fn groups_may_be_left_out() {
        let recording = recording();
        let filter = Filter {
            group: Group::None,
            no_kernel: true,
            ..Filter::default()
        };
        let selection = selected(&recording, &filter);
        let tree = Tree::of_calls(&selection);
        assert_eq!(
            text(&tree, &tree.roots),
            "main 0/10(f 2/5(f 0/3(g 3/3())), g 5/5())"
        );
    }

    /// Check that callers are found from the leaf's side, a recursive function once a stack.
    #[test]
    fn callers_are_put_together() {
        let recording = recording();
        let selection = everything(&recording);
        for (pattern, expected) in [
            (
                "^g$",
                "g 0/8(main 0/5(other 4/4(), program 1/1()), f 0/3(f 0/3(main 0/3(program 3/3()))))",
            ),
            (
                "^f$",
                "f 0/5(f 0/3(main 0/3(program 3/3())), main 0/2(program 2/2()))",
            ),
            ("nothing", ""),
        ] {
            let regex = Regex::new(pattern).expect("it is a pattern");
            let tree = Tree::of_callers(&selection, &regex);
            assert_eq!(text(&tree, &tree.roots), expected, "{pattern}");
        }
    }

    /// Check that nothing is lost of callers where one function matches.
    #[test]
    fn callers_keep_weights() {
        let recording = recording();
        let selection = everything(&recording);
        let regex = Regex::new("^main$").expect("it is a pattern");
        check_weights(&Tree::of_callers(&selection, &regex), 10);
    }
}
