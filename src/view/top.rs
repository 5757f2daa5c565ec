//! The hottest functions.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::functions::{FunctionId, FunctionTable, Place};
use super::selection::Selection;
use crate::event::Weight;
use crate::profile::frames::FrameId;
use crate::profile::names::{FrameName, Kind, Location};
use crate::profile::stacks::StackId;

/// What stands for the function of a sample that has no frame at all.
const NO_FRAMES: &str = "[no frames]";

/// A function and what it weighs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: FrameName,
    /// Where it is.
    pub place: Place,
    /// The line of it that weighs the most, where lines are known.
    pub location: Option<Location>,
    /// Where it was the leaf.
    pub own: Weight,
    /// Where it was anywhere on the stack; recursion counts once.
    pub total: Weight,
}

/// What a function, or a frame of it, weighs as a leaf, and anywhere on stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// As the leaf.
    pub own: Weight,
    /// Anywhere; once a stack.
    pub total: Weight,
}

/// Lists functions, the one that was the leaf most often first.
///
/// What they weigh as leaves is together what all samples weigh: the reason why a stack
/// stopped short stands for a function where the stack has no other.
#[must_use]
pub fn hottest(selection: &Selection<'_>) -> Vec<Function> {
    hottest_of(selection, selection.stack_weights().into_iter())
}

/// Samples of one group, and their functions.
#[derive(Clone, Debug)]
pub struct GroupFunctions {
    /// What they have in common, safe to show.
    pub label: String,
    /// What they weigh.
    pub total: Weight,
    /// The hottest first.
    pub functions: Vec<Function>,
}

/// Lists so many groups at most, the heaviest first, each with its functions.
#[must_use]
pub fn by_group(selection: &Selection<'_>, most: usize) -> Vec<GroupFunctions> {
    let mut groups: HashMap<Option<Arc<str>>, Vec<(StackId, Weight)>> = HashMap::new();
    for ((label, stack), weight) in selection.weights() {
        let group = groups.entry(label).or_default();
        group.push((stack, weight));
    }
    let weigh = |stacks: &[(StackId, Weight)]| stacks.iter().map(|(_, weight)| *weight).sum();
    let mut groups: Vec<(Weight, _, _)> = groups
        .into_iter()
        .map(|(label, stacks)| (weigh(&stacks), label, stacks))
        .collect();
    groups.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    groups.truncate(most);
    groups
        .into_iter()
        .map(|(total, label, stacks)| GroupFunctions {
            label: label.map(|label| label.to_string()).unwrap_or_default(),
            total,
            functions: hottest_of(selection, stacks.into_iter()),
        })
        .collect()
}

/// Lists the functions of some stacks, the one that was the leaf most often first.
#[must_use]
pub fn hottest_of(
    selection: &Selection<'_>,
    stacks: impl Iterator<Item = (StackId, Weight)>,
) -> Vec<Function> {
    let table = FunctionTable::new(selection);
    let mut sums = Sums::new(&table, selection.profile.frames().len());
    for (stack, weight) in stacks {
        sums.add(selection, stack, weight);
    }
    let mut locations = sums.hottest_lines(selection);
    let mut functions: Vec<_> = table
        .iter()
        .filter(|(id, _)| sums.functions[id.index()].total > Weight(0))
        .map(|(id, function)| Function {
            name: function.name.clone(),
            place: function.place,
            location: locations.remove(&id),
            own: sums.functions[id.index()].own,
            total: sums.functions[id.index()].total,
        })
        .collect();
    if sums.nothing > Weight(0) {
        functions.push(Function {
            name: FrameName::new(NO_FRAMES, Kind::Reason),
            place: Place::Nowhere,
            location: None,
            own: sums.nothing,
            total: sums.nothing,
        });
    }
    functions.sort_by(|a, b| {
        (b.own, b.total)
            .cmp(&(a.own, a.total))
            .then_with(|| a.name.text().cmp(b.name.text()))
            .then_with(|| a.place.cmp(&b.place))
    });
    functions
}

/// Weights by function, and by frame for their lines.
struct Sums<'a> {
    table: &'a FunctionTable<'a>,
    functions: Vec<Share>,
    frames: Vec<Share>,
    /// Of samples without a frame.
    nothing: Weight,
    /// The last stack that each function was counted for.
    seen: Vec<u64>,
    stacks: u64,
}

impl<'a> Sums<'a> {
    fn new(table: &'a FunctionTable<'a>, frames: usize) -> Self {
        Self {
            table,
            functions: vec![Share::default(); table.len()],
            frames: vec![Share::default(); frames],
            nothing: Weight(0),
            seen: vec![0; table.len()],
            stacks: 0,
        }
    }

    fn add(&mut self, selection: &Selection<'_>, stack: StackId, weight: Weight) {
        self.stacks += 1;
        let mut frames = selection.profile.stack(stack);
        frames.retain(|id| !self.table.of_frame(*id).is_empty());
        // a reason stands at the root
        if frames.len() > 1 && self.is_reason(frames[0]) {
            frames.remove(0);
        }
        let Some(&leaf) = frames.last() else {
            self.nothing += weight;
            return;
        };
        self.frames[leaf.index()].own += weight;
        if let Some(function) = self.table.of_frame(leaf).last() {
            self.functions[function.index()].own += weight;
        }
        for id in frames {
            self.frames[id.index()].total += weight;
            for function in self.table.of_frame(id) {
                let seen = &mut self.seen[function.index()];
                if *seen != self.stacks {
                    *seen = self.stacks;
                    self.functions[function.index()].total += weight;
                }
            }
        }
    }

    fn is_reason(&self, frame: FrameId) -> bool {
        let functions = self.table.of_frame(frame).iter();
        functions
            .map(|id| self.table.get(*id))
            .any(|function| function.name.kind() == Kind::Reason)
    }

    /// The line of each function that weighs the most as the leaf, or else anywhere.
    fn hottest_lines(&self, selection: &Selection<'_>) -> HashMap<FunctionId, Location> {
        let mut lines: HashMap<(FunctionId, &Location), Share> = HashMap::new();
        let frames = selection.profile.frames().iter().zip(&self.frames);
        for ((id, _), share) in frames.filter(|(_, share)| share.total > Weight(0)) {
            let functions = self.table.of_frame(id);
            for (position, (function, named)) in
                functions.iter().zip(selection.named(id)).enumerate()
            {
                let Some(location) = &named.location else {
                    continue;
                };
                let line = lines.entry((*function, location)).or_default();
                if position + 1 == functions.len() {
                    line.own += share.own;
                }
                line.total += share.total;
            }
        }
        let mut hottest: HashMap<FunctionId, (Share, &Location)> = HashMap::new();
        for ((function, location), share) in lines {
            let best = hottest.entry(function).or_insert((share, location));
            // the earlier line where two weigh the same, whatever the map's order
            let key =
                |(share, at): (Share, &Location)| (share, Reverse((at.line, at.file.clone())));
            if key((share, location)) > key(*best) {
                *best = (share, location);
            }
        }
        let located = hottest.into_iter();
        located
            .map(|(function, (_, location))| (function, location.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use crate::view::fixture::{Builder, Who, everything};

    fn rows(functions: &[Function]) -> Vec<String> {
        let row = |function: &Function| {
            let line = function.location.as_ref().map_or(0, |at| at.line);
            let (own, total) = (function.own.0, function.total.0);
            format!("{} {own} {total} #{line}", function.name)
        };
        functions.iter().map(row).collect()
    }

    /// Check self and total, recursion once, and the hottest line.
    #[test]
    fn functions_are_weighed() {
        let recording = Builder::new()
            .stack(&["main#1", "f#10", "f#10", "f#11"], 3)
            .stack(&["main#1", "f#10", "g_[i]#20"], 2)
            .stack(&["main#1", "f#12", "h_[k]"], 1)
            .stack(&["main#2"], 1)
            .build();
        let functions = hottest(&everything(&recording));
        assert_eq!(
            rows(&functions),
            ["f 3 6 #11", "g_[i] 2 2 #20", "main 1 7 #2", "h_[k] 1 1 #0"]
        );
    }

    /// Check that groups are apart, and the heaviest are first.
    #[test]
    fn groups_are_apart() {
        let other = Who {
            comm: "other",
            ..Who::default()
        };
        let recording = Builder::new()
            .stack(&["main", "f"], 1)
            .stack_of(other, &["main"], 2)
            .build();
        let groups = by_group(&everything(&recording), 9);
        let labels: Vec<_> = groups.iter().map(|group| group.label.as_str()).collect();
        assert_eq!(labels, ["other", "program"]);
        assert_eq!(rows(&groups[0].functions), ["main 2 2 #0"]);
        assert_eq!(by_group(&everything(&recording), 1).len(), 1);
    }

    /// Check that what functions weigh as leaves is all that there is, also where stacks
    /// have no function.
    #[test]
    fn weights_are_preserved() {
        let who = |outcome| Who {
            outcome,
            ..Who::default()
        };
        let recording = Builder::new()
            .stack(&["main", "f"], 3)
            .stack_of(who(Some(Outcome::NoCfi)), &["f"], 2)
            .stack_of(who(Some(Outcome::Lost)), &[], 2)
            .stack_of(who(Some(Outcome::Lost)), &["k_[k]"], 1)
            .stack_of(who(None), &[], 4)
            .heavy(&["main"], 7)
            .build();
        let selection = everything(&recording);
        let functions = hottest(&selection);
        let own: Weight = functions.iter().map(|function| function.own).sum();
        assert_eq!(own, selection.total());
        assert!(
            functions
                .iter()
                .all(|function| function.own <= function.total)
        );
        assert!(rows(&functions).contains(&"[no frames] 4 4 #0".to_owned()));
        assert!(rows(&functions).contains(&"[lost] 2 2 #0".to_owned()));
        assert!(!rows(&functions).iter().any(|row| row.contains("CFI")));
    }
}
