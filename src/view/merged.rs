//! Stacks by what is written of them: a tree of names, in which frames of the same name
//! under the same callers are one.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::selection::Selection;
use crate::event::Weight;
use crate::profile::frames::FrameId;
use crate::profile::stacks::StackId;

/// Which end of stacks is the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Groups, then the first function that was called.
    FromRoot,
    /// The leaf; groups come last.
    FromLeaf,
}

/// The stacks of groups, by name.
///
/// All groups share one tree of names: who stands at the root of a stack is known only
/// when stacks are given. Threads of a server run the same code, so that this is smaller,
/// by their number, than a tree that begins with the groups.
#[derive(Debug)]
pub struct Merged {
    names: Vec<Rc<str>>,
    tree: Tree,
    groups: Vec<Group>,
}

/// A stack of names, and what it weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedStack<'a> {
    /// Root first.
    pub names: &'a [&'a str],
    /// What ends there.
    pub weight: Weight,
}

/// Who stands at the root, if anybody, and what weighs what there.
#[derive(Debug)]
struct Group {
    label: Option<Arc<str>>,
    own: Vec<(u32, Weight)>,
}

impl Group {
    fn total(&self) -> Weight {
        self.own.iter().map(|&(_, weight)| weight).sum()
    }
}

/// Nodes, each after its parent. The first is the root, which is no name.
#[derive(Debug)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    name: u32,
    depth: u32,
}

const ROOT: u32 = 0;

impl Merged {
    /// Merges the stacks of a selection.
    ///
    /// # Panics
    /// When there are 2^32 distinct stacks.
    #[must_use]
    pub fn new(selection: &Selection<'_>, order: Order) -> Self {
        let mut builder = Builder::new(selection);
        let groups = selection.groups().into_iter();
        let groups = match order {
            Order::FromRoot => groups
                .map(|(label, stacks)| Group {
                    label,
                    own: stacks
                        .into_iter()
                        .map(|(stack, weight)| (builder.upright(selection, stack), weight))
                        .collect(),
                })
                .collect(),
            Order::FromLeaf => {
                let mut own = Vec::new();
                for (label, stacks) in groups {
                    let label = label.map(|label| builder.name(&label));
                    own.extend(stacks.into_iter().map(|(stack, weight)| {
                        let node = builder.turned(selection, stack);
                        let node = label.map_or(node, |label| builder.child(node, label));
                        (node, weight)
                    }));
                }
                vec![Group { label: None, own }]
            }
        };
        builder.finish(groups)
    }

    /// What all of it weighs.
    #[must_use]
    pub fn total(&self) -> Weight {
        self.groups.iter().map(Group::total).sum()
    }

    /// Gives every stack, those with the same callers in a row, siblings by name.
    ///
    /// What weighs less than `least` with all that it called is given with its caller.
    ///
    /// # Errors
    /// What the sink gives, at once.
    pub fn each<E>(
        &self,
        least: f64,
        sink: &mut dyn FnMut(NamedStack<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (shown, light): (Vec<_>, Vec<_>) = self
            .groups
            .iter()
            .partition(|group| group.label.is_none() || group.total().0 as f64 >= least);
        let weight: Weight = light.into_iter().map(Group::total).sum();
        if weight > Weight(0) {
            sink(NamedStack { names: &[], weight })?;
        }
        let mut sums = Sums::new(&self.tree);
        shown
            .into_iter()
            .try_for_each(|group| self.each_of(group, least, &mut sums, sink))
    }

    fn each_of<E>(
        &self,
        group: &Group,
        least: f64,
        sums: &mut Sums<'_>,
        sink: &mut dyn FnMut(NamedStack<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut path: Vec<&str> = group.label.as_deref().into_iter().collect();
        let above = path.len();
        sums.add_up(&group.own, least);
        for &id in &sums.touched {
            let sum = sums.of_nodes[id as usize];
            if id != ROOT {
                if !sum.is_shown(least) {
                    continue;
                }
                let node = self.tree.nodes[id as usize];
                path.truncate(above + node.depth as usize - 1);
                path.push(&self.names[node.name as usize]);
            }
            let weight = Weight(sum.total - sum.shown_below);
            if weight > Weight(0) {
                sink(NamedStack {
                    names: &path,
                    weight,
                })?;
            }
        }
        Ok(())
    }
}

/// What nodes weigh in one group. Only what that has is looked at: most groups have little.
#[derive(Debug)]
struct Sums<'a> {
    tree: &'a Tree,
    of_nodes: Vec<Sum>,
    /// Nodes that weigh something, in order.
    touched: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    is_touched: bool,
    /// With all that it called.
    total: u64,
    /// What it called that weighs enough.
    shown_below: u64,
}

impl Sum {
    fn is_shown(self, least: f64) -> bool {
        self.total as f64 >= least
    }
}

impl<'a> Sums<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            of_nodes: vec![Sum::default(); tree.nodes.len()],
            touched: Vec::new(),
        }
    }

    fn add_up(&mut self, own: &[(u32, Weight)], least: f64) {
        for id in self.touched.drain(..) {
            self.of_nodes[id as usize] = Sum::default();
        }
        for &(id, weight) in own {
            self.of_nodes[id as usize].total += weight.0;
            self.touch(id);
        }
        self.touched.sort_unstable();
        // what is called comes after its callers
        for &id in self.touched.iter().rev().filter(|&&id| id != ROOT) {
            let sum = self.of_nodes[id as usize];
            let parent = &mut self.of_nodes[self.tree.nodes[id as usize].parent as usize];
            parent.total += sum.total;
            if sum.is_shown(least) {
                parent.shown_below += sum.total;
            }
        }
    }

    /// Takes note of a node and its callers.
    fn touch(&mut self, mut id: u32) {
        while !self.of_nodes[id as usize].is_touched {
            self.of_nodes[id as usize].is_touched = true;
            self.touched.push(id);
            id = self.tree.nodes[id as usize].parent;
        }
    }
}

struct Builder {
    names: Vec<Rc<str>>,
    ids: HashMap<Rc<str>, u32>,
    /// Parent and name, in the order in which they were met.
    nodes: Vec<(u32, u32)>,
    children: FxHashMap<(u32, u32), u32>,
    of_frames: Vec<Box<[u32]>>,
    /// Of stacks, by their index; the root's where it is not known yet.
    of_stacks: Vec<u32>,
}

impl Builder {
    fn new(selection: &Selection<'_>) -> Self {
        let mut builder = Self {
            names: Vec::new(),
            ids: HashMap::new(),
            nodes: vec![(ROOT, 0)],
            children: FxHashMap::default(),
            of_frames: Vec::new(),
            of_stacks: vec![ROOT; selection.profile.stacks().len() + 1],
        };
        for (id, _) in selection.profile.frames().iter() {
            let names = selection.named(id).iter();
            let names = names.map(|named| builder.name(&named.name.to_string()));
            let names = names.collect();
            builder.of_frames.push(names);
        }
        builder
    }

    fn name(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.ids.get(text) {
            return known;
        }
        let id = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        let text: Rc<str> = text.into();
        self.names.push(Rc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    fn child(&mut self, parent: u32, name: u32) -> u32 {
        let nodes = &mut self.nodes;
        *self.children.entry((parent, name)).or_insert_with(|| {
            nodes.push((parent, name));
            u32::try_from(nodes.len() - 1).expect("fewer than 2^32 stacks")
        })
    }

    fn of_frame(&mut self, parent: u32, frame: FrameId) -> u32 {
        let count = self.of_frames[frame.index()].len();
        (0..count).fold(parent, |parent, at| {
            let name = self.of_frames[frame.index()][at];
            self.child(parent, name)
        })
    }

    /// The node of a stack; its callers are looked up, or added, once.
    fn upright(&mut self, selection: &Selection<'_>, stack: StackId) -> u32 {
        let stacks = selection.profile.stacks();
        let mut missing = Vec::new();
        let mut at = stack;
        let mut node = loop {
            let known = self.of_stacks[at.index()];
            if known != ROOT {
                break known;
            }
            match stacks.split(at) {
                Some((callers, leaf)) => {
                    missing.push((at, leaf));
                    at = callers;
                }
                None => break ROOT,
            }
        };
        for (stack, leaf) in missing.into_iter().rev() {
            node = self.of_frame(node, leaf);
            self.of_stacks[stack.index()] = node;
        }
        node
    }

    fn turned(&mut self, selection: &Selection<'_>, stack: StackId) -> u32 {
        let known = self.of_stacks[stack.index()];
        if known != ROOT {
            return known;
        }
        let mut node = ROOT;
        for frame in selection.profile.stack(stack).into_iter().rev() {
            let count = self.of_frames[frame.index()].len();
            for at in (0..count).rev() {
                let name = self.of_frames[frame.index()][at];
                node = self.child(node, name);
            }
        }
        self.of_stacks[stack.index()] = node;
        node
    }

    /// Numbers the nodes anew: callers before what they call, siblings by name.
    fn finish(mut self, mut groups: Vec<Group>) -> Merged {
        self.children = FxHashMap::default();
        let children = Children::new(&self.nodes, &ranks(&self.names));
        let mut renumbered = vec![ROOT; self.nodes.len()];
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let mut to_do = vec![(ROOT, 0)];
        while let Some((id, depth)) = to_do.pop() {
            let (parent, name) = self.nodes[id as usize];
            renumbered[id as usize] = u32::try_from(nodes.len()).expect("they are as many");
            nodes.push(Node {
                parent: renumbered[parent as usize],
                name,
                depth,
            });
            let below = children.of(id).iter().rev();
            to_do.extend(below.map(|&child| (child, depth + 1)));
        }
        for (id, _) in groups.iter_mut().flat_map(|group| &mut group.own) {
            *id = renumbered[*id as usize];
        }
        Merged {
            names: self.names,
            tree: Tree { nodes },
            groups,
        }
    }
}

/// The position of every name in their order.
fn ranks(names: &[Rc<str>]) -> Vec<u32> {
    let mut in_order: Vec<(usize, _)> = names.iter().enumerate().collect();
    in_order.sort_unstable_by_key(|&(_, name)| name);
    let mut ranks = vec![0; names.len()];
    for (rank, (id, _)) in (0_u32..).zip(in_order) {
        ranks[id] = rank;
    }
    ranks
}

/// The children of every node, in a row, by name.
struct Children {
    all: Vec<u32>,
    /// Where those of a node begin, and those of the next one.
    begins: Vec<u32>,
}

impl Children {
    fn new(nodes: &[(u32, u32)], ranks: &[u32]) -> Self {
        let mut all: Vec<u32> = (0..).zip(nodes).skip(1).map(|(id, _)| id).collect();
        let rank = |id: u32| {
            let (parent, name) = nodes[id as usize];
            (parent, ranks[name as usize])
        };
        all.sort_unstable_by_key(|&id| rank(id));
        let mut begins = vec![0; nodes.len() + 1];
        for &(parent, _) in &nodes[1..] {
            begins[parent as usize + 1] += 1;
        }
        let mut sum = 0;
        for begin in &mut begins {
            sum += *begin;
            *begin = sum;
        }
        Self { all, begins }
    }

    fn of(&self, id: u32) -> &[u32] {
        let id = id as usize;
        &self.all[self.begins[id] as usize..self.begins[id + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder as Fixture, everything};

    fn lines(order: Order, least: f64) -> Vec<String> {
        let recording = Fixture::new()
            .stack(&["main", "a", "b"], 5)
            .stack(&["main", "a", "b", "c_[k]"], 1)
            .stack(&["main", "a"], 3)
            .stack(&["main", "z"], 2)
            .build();
        let merged = Merged::new(&everything(&recording), order);
        assert_eq!(merged.total(), Weight(11));
        let mut lines = Vec::new();
        let all: Result<(), ()> = merged.each(least, &mut |stack| {
            lines.push(format!("{} {}", stack.names[1..].join(";"), stack.weight.0));
            Ok(())
        });
        assert_eq!(all, Ok(()));
        lines
    }

    /// Check that every stack is given once, and that what is too light is its caller's.
    #[test]
    fn stacks_are_merged() {
        let all = ["main;a 3", "main;a;b 5", "main;a;b;c_[k] 1", "main;z 2"];
        assert_eq!(lines(Order::FromRoot, 0.0), all);
        assert_eq!(
            lines(Order::FromRoot, 3.0),
            ["main 2", "main;a 3", "main;a;b 6"]
        );
    }

    /// Check that stacks may stand on their leaves.
    #[test]
    fn stacks_are_turned() {
        let turned = lines(Order::FromLeaf, 0.0);
        assert_eq!(turned.len(), 4);
        assert!(
            turned
                .iter()
                .any(|line| line.starts_with("b;a;main;") && line.ends_with(" 1"))
        );
    }
}
