//! A tree as lines: chains folded, small parts hidden but counted.

use super::tree::{NodeId, Tree};
use crate::event::Weight;

/// A line of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Of each level that the line is under, from the outermost, whether more follows there;
    /// the last is the line's own.
    pub guides: Vec<bool>,
    /// What it shows.
    pub item: Item,
}

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A place in the tree, with its share.
    Node(NodeId),
    /// The only thing below the line before that is not hidden, of the same weight: it
    /// stands at the same level. So many times the same stand for one line; it is the last.
    Link(NodeId, usize),
    /// So many places that are hidden here, and what they weigh together.
    Hidden(usize, Weight),
}

/// A tree as lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// How many places were hidden, what is below them not counted.
    pub hidden: usize,
    /// What they weigh together.
    pub hidden_weight: Weight,
}

/// What is still to be written: siblings, the last first.
struct Level {
    waiting: Vec<Item>,
    guides: Vec<bool>,
}

impl Outline {
    /// Writes a tree as lines; what weighs less than `least` is hidden, and a line says so
    /// where it weighs that much together.
    #[must_use]
    pub fn new(tree: &Tree<'_>, least: Weight) -> Self {
        let mut outline = Self::default();
        let items = outline.shown(tree, &tree.roots, least);
        // the levels are as deep as the tree, which a file decides: no recursion
        let mut levels = vec![Level {
            waiting: items,
            guides: Vec::new(),
        }];
        while let Some(level) = levels.last_mut() {
            let Some(item) = level.waiting.pop() else {
                levels.pop();
                continue;
            };
            let mut guides = level.guides.clone();
            guides.push(!level.waiting.is_empty());
            outline.lines.push(Line {
                guides: guides.clone(),
                item,
            });
            if let Item::Node(id) = item {
                let waiting = outline.chain(tree, id, &guides, least);
                levels.push(Level { waiting, guides });
            }
        }
        outline
    }

    /// Writes what follows a node in one line of descent, and returns what is below it.
    fn chain(&mut self, tree: &Tree<'_>, id: NodeId, guides: &[bool], least: Weight) -> Vec<Item> {
        let mut end = tree.node(id);
        loop {
            let items = self.shown(tree, &end.children, least);
            match items.as_slice() {
                [Item::Node(only)] if tree.node(*only).total == end.total => {
                    self.link(tree, *only, guides);
                    end = tree.node(*only);
                }
                _ => return items,
            }
        }
    }

    /// Adds a link, or counts it to the one before, where a function does nothing but call
    /// itself.
    fn link(&mut self, tree: &Tree<'_>, id: NodeId, guides: &[bool]) {
        if let Some(Line {
            item: Item::Link(last, times),
            ..
        }) = self.lines.last_mut()
        {
            let above = tree.node(*last);
            if above.what == tree.node(id).what && above.own == Weight(0) {
                (*last, *times) = (id, *times + 1);
                return;
            }
        }
        self.lines.push(Line {
            guides: guides.to_vec(),
            item: Item::Link(id, 1),
        });
    }

    /// What is shown of siblings, the last first.
    fn shown(&mut self, tree: &Tree<'_>, siblings: &[NodeId], least: Weight) -> Vec<Item> {
        let total = |id: &NodeId| tree.node(*id).total;
        // they are in order of weight
        let count = siblings.partition_point(|id| total(id) >= least);
        let (shown, hidden) = siblings.split_at(count);
        let mut items: Vec<_> = shown.iter().map(|id| Item::Node(*id)).collect();
        let weight: Weight = hidden.iter().map(total).sum();
        self.hidden += hidden.len();
        self.hidden_weight += weight;
        if !hidden.is_empty() && weight >= least {
            items.push(Item::Hidden(hidden.len(), weight));
        }
        items.reverse();
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};
    use crate::view::tree::What;

    fn lines(recording: &Recording, least: u64) -> (Vec<String>, usize, u64) {
        let tree = Tree::of_calls(&everything(recording));
        let outline = Outline::new(&tree, Weight(least));
        let name = |id| match &tree.node(id).what {
            What::Group(label) => label.clone(),
            What::Function(id) => tree.functions.get(*id).name.to_string(),
        };
        let line = |line: &Line| {
            let guides: String = line
                .guides
                .iter()
                .map(|more| if *more { '|' } else { '.' })
                .collect();
            match line.item {
                Item::Node(id) => format!("{guides} {} {}", name(id), tree.node(id).total.0),
                Item::Link(id, 1) => format!("{guides} - {}", name(id)),
                Item::Link(id, times) => format!("{guides} - {} x{times}", name(id)),
                Item::Hidden(count, weight) => format!("{guides} {count} hidden {}", weight.0),
            }
        };
        let lines = outline.lines.iter().map(line).collect();
        (lines, outline.hidden, outline.hidden_weight.0)
    }

    /// Check that chains stand at one level, and that small parts are hidden and counted.
    #[test]
    fn chains_are_folded_and_small_parts_hidden() {
        let recording = Builder::new()
            .stack(&["_start", "main", "a", "b", "c"], 50)
            .stack(&["_start", "main", "d"], 30)
            .stack(&["_start", "main", "e"], 9)
            .stack(&["_start", "main", "f"], 8)
            .stack(&["_start", "main", "d", "g"], 3)
            .build();
        let (lines, hidden, weight) = lines(&recording, 10);
        assert_eq!(
            lines,
            [
                ". program 100",
                ". - _start",
                ". - main",
                ".| a 50",
                ".| - b",
                ".| - c",
                ".| d 33",
                ".. 2 hidden 17"
            ]
        );
        assert_eq!((hidden, weight), (3, 20));
    }

    /// Check that recursion is one line, as far as nothing ends or branches there.
    #[test]
    fn recursion_is_folded() {
        let recording = Builder::new()
            .stack(&["main", "f", "f", "f", "f", "f", "g", "g"], 8)
            .stack(&["main", "f", "f", "f"], 2)
            .build();
        let (lines, _, _) = lines(&recording, 1);
        assert_eq!(
            lines,
            [
                ". program 10",
                ". - main",
                ". - f x3",
                ".. f 8",
                ".. - f",
                ".. - g x2"
            ]
        );
    }

    /// Check that a very deep stack is written, and nothing is hidden where all is wanted.
    #[test]
    fn depth_is_no_limit() {
        let names: Vec<String> = (0..20_000).map(|n| format!("f{}", n % 2)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let recording = Builder::new()
            .stack(&names, 1)
            .stack(&names[..10_000], 1)
            .build();
        let (lines, hidden, weight) = lines(&recording, 0);
        assert_eq!((lines.len(), hidden, weight), (20_001, 0, 0));
    }
}
