//! Stacks by what is written of them: a tree of names, in which frames of the same name
//! under the same callers are one.

use std::collections::HashMap;
use std::rc::Rc;

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

/// A tree of names. The root is no name.
#[derive(Debug)]
pub struct Merged {
    names: Vec<Rc<str>>,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    parent: u32,
    name: u32,
    own: Weight,
    total: Weight,
}

/// A stack of names, and what it weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedStack<'a> {
    /// Root first.
    pub names: &'a [&'a str],
    /// What ends there.
    pub weight: Weight,
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
        for ((label, stack), weight) in selection.weights() {
            let node = match order {
                Order::FromRoot => builder.upright(selection, label.as_deref(), stack),
                Order::FromLeaf => builder.turned(selection, label.as_deref(), stack),
            };
            builder.nodes[node as usize].own += weight;
        }
        builder.finish()
    }

    /// What all of it weighs.
    #[must_use]
    pub fn total(&self) -> Weight {
        self.nodes[ROOT as usize].total
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
        let children = self.children(least);
        let mut path: Vec<&str> = Vec::new();
        let mut to_do = vec![(ROOT, 0)];
        while let Some((id, depth)) = to_do.pop() {
            let node = &self.nodes[id as usize];
            if id != ROOT {
                path.truncate(depth - 1);
                path.push(&self.names[node.name as usize]);
            }
            let shown = children.get(&id).map_or(&[][..], |children| children);
            let below: Weight = shown
                .iter()
                .map(|&child| self.nodes[child as usize].total)
                .sum();
            let weight = Weight(node.total.0 - below.0);
            if weight > Weight(0) {
                sink(NamedStack {
                    names: &path,
                    weight,
                })?;
            }
            to_do.extend(shown.iter().rev().map(|&child| (child, depth + 1)));
        }
        Ok(())
    }

    /// The children of every node, by name, that weigh enough.
    fn children(&self, least: f64) -> FxHashMap<u32, Vec<u32>> {
        let mut children: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (id, node) in (0..).zip(&self.nodes).skip(1) {
            if node.total.0 as f64 >= least {
                children.entry(node.parent).or_default().push(id);
            }
        }
        for siblings in children.values_mut() {
            let name = |id: &u32| &self.names[self.nodes[*id as usize].name as usize];
            siblings.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        }
        children
    }
}

struct Builder {
    names: Vec<Rc<str>>,
    ids: HashMap<Rc<str>, u32>,
    nodes: Vec<Node>,
    children: FxHashMap<(u32, u32), u32>,
    of_frames: Vec<Box<[u32]>>,
    /// Of stacks under the label that is at hand.
    of_stacks: FxHashMap<StackId, u32>,
    label: Option<(Option<String>, u32)>,
}

impl Builder {
    fn new(selection: &Selection<'_>) -> Self {
        let mut builder = Self {
            names: Vec::new(),
            ids: HashMap::new(),
            nodes: vec![Node {
                parent: ROOT,
                name: 0,
                own: Weight(0),
                total: Weight(0),
            }],
            children: FxHashMap::default(),
            of_frames: Vec::new(),
            of_stacks: FxHashMap::default(),
            label: None,
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
            nodes.push(Node {
                parent,
                name,
                own: Weight(0),
                total: Weight(0),
            });
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

    /// The node of a label, under which stacks are looked up from now on.
    fn base(&mut self, label: Option<&str>) -> u32 {
        if let Some((known, base)) = &self.label
            && known.as_deref() == label
        {
            return *base;
        }
        let base = label.map_or(ROOT, |label| {
            let name = self.name(label);
            self.child(ROOT, name)
        });
        self.of_stacks.clear();
        self.label = Some((label.map(str::to_owned), base));
        base
    }

    /// The node of a stack; its callers are looked up, or added, once a label.
    fn upright(&mut self, selection: &Selection<'_>, label: Option<&str>, stack: StackId) -> u32 {
        let base = self.base(label);
        let stacks = selection.profile.stacks();
        let mut missing = Vec::new();
        let mut at = stack;
        let mut node = loop {
            if let Some(&known) = self.of_stacks.get(&at) {
                break known;
            }
            match stacks.split(at) {
                Some((callers, leaf)) => {
                    missing.push((at, leaf));
                    at = callers;
                }
                None => break base,
            }
        };
        for (stack, leaf) in missing.into_iter().rev() {
            node = self.of_frame(node, leaf);
            self.of_stacks.insert(stack, node);
        }
        node
    }

    fn turned(&mut self, selection: &Selection<'_>, label: Option<&str>, stack: StackId) -> u32 {
        let mut node = ROOT;
        for frame in selection.profile.stack(stack).into_iter().rev() {
            let count = self.of_frames[frame.index()].len();
            for at in (0..count).rev() {
                let name = self.of_frames[frame.index()][at];
                node = self.child(node, name);
            }
        }
        match label {
            Some(label) => {
                let name = self.name(label);
                self.child(node, name)
            }
            None => node,
        }
    }

    /// Adds up: callers were added before what they called.
    fn finish(mut self) -> Merged {
        for id in (0..self.nodes.len()).rev() {
            let node = &mut self.nodes[id];
            node.total += node.own;
            let (parent, total) = (node.parent, node.total);
            if id > 0 {
                self.nodes[parent as usize].total += total;
            }
        }
        Merged {
            names: self.names,
            nodes: self.nodes,
        }
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
