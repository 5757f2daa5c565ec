//! The hottest functions.

use std::collections::{HashMap, HashSet};

use super::selection::Selection;
use crate::event::Weight;
use crate::profile::names::{FrameName, Kind};

/// A function and what it weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: FrameName,
    /// Where it was the leaf.
    pub own: Weight,
    /// Where it was anywhere on the stack; recursion counts once.
    pub total: Weight,
}

/// Lists functions, the one that was the leaf most often first.
#[must_use]
pub fn hottest(selection: &Selection<'_>) -> Vec<Function> {
    let mut weights: HashMap<&FrameName, (Weight, Weight)> = HashMap::new();
    for stack in selection.stacks() {
        let names: Vec<_> = stack
            .frames
            .iter()
            .map(|frame| &frame.named.name)
            .filter(|name| name.kind() != Kind::Reason)
            .collect();
        if let Some(leaf) = names.last() {
            weights.entry(leaf).or_default().0 += stack.weight;
        }
        for name in names.into_iter().collect::<HashSet<_>>() {
            weights.entry(name).or_default().1 += stack.weight;
        }
    }
    let mut functions: Vec<_> = weights
        .into_iter()
        .map(|(name, (own, total))| Function {
            name: name.clone(),
            own,
            total,
        })
        .collect();
    functions.sort_by(|a, b| {
        (b.own, b.total)
            .cmp(&(a.own, a.total))
            .then_with(|| a.name.text().cmp(b.name.text()))
    });
    functions
}
