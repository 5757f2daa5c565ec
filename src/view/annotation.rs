//! Which lines and instructions of functions samples are at.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regex::Regex;

use super::functions::{FunctionId, FunctionTable, Place};
use super::selection::Selection;
use super::top::Share;
use crate::addr::FileOffset;
use crate::event::Weight;
use crate::profile::frames::Frame;
use crate::profile::names::{FrameName, Location};
use crate::profile::stacks::StackId;

/// A function, with weights by line and by place in its file.
///
/// As the leaf counts here what was inlined into the function too, since it is among its
/// instructions: this is more than its own weight elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Its name.
    pub name: FrameName,
    /// Where it is.
    pub place: Place,
    /// What it weighs.
    pub share: Share,
    /// What of its weight as the leaf is in functions that were inlined into it.
    pub inlined: Weight,
    /// By line, where lines are known; in a caller it is the line of the call.
    pub lines: BTreeMap<(String, u32), Share>,
    /// Where in its file each of its stacks was.
    stacks: Vec<Places>,
}

/// Where in a function's file one stack was.
#[derive(Clone, Debug, Default, PartialEq)]
struct Places {
    weight: Weight,
    leaf: Option<FileOffset>,
    /// The leaf included; in a caller it is inside the call instruction.
    all: Vec<FileOffset>,
}

/// Annotates every function that matches, the hottest first.
#[must_use]
pub fn matching(selection: &Selection<'_>, wanted: &Regex) -> Vec<Annotation> {
    let table = FunctionTable::new(selection);
    let mut annotations: HashMap<FunctionId, Annotation> = table
        .iter()
        .filter(|(_, function)| wanted.is_match(function.name.text()))
        .map(|(id, function)| (id, Annotation::new(function.name.clone(), function.place)))
        .collect();
    for ((_, stack), weight) in selection.weights() {
        add(selection, &table, &mut annotations, stack, weight);
    }
    let mut annotations: Vec<_> = annotations
        .into_values()
        .filter(|annotation| annotation.share.total > Weight(0))
        .collect();
    annotations.sort_by(|a, b| {
        b.share
            .cmp(&a.share)
            .then_with(|| a.name.text().cmp(b.name.text()))
            .then_with(|| a.place.cmp(&b.place))
    });
    annotations
}

impl Annotation {
    fn new(name: FrameName, place: Place) -> Self {
        Self {
            name,
            place,
            share: Share::default(),
            inlined: Weight(0),
            lines: BTreeMap::new(),
            stacks: Vec::new(),
        }
    }

    /// Every place in its file that a stack was at, in order.
    #[must_use]
    pub fn places(&self) -> Vec<FileOffset> {
        let all = self.stacks.iter().flat_map(|stack| &stack.all);
        all.copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Weights by what places in its file are of, such as instructions: each once a stack.
    #[must_use]
    pub fn shares_by<K: Ord + Copy>(
        &self,
        key: impl Fn(FileOffset) -> Option<K>,
    ) -> BTreeMap<K, Share> {
        let mut shares: BTreeMap<K, Share> = BTreeMap::new();
        for stack in &self.stacks {
            if let Some(leaf) = stack.leaf.and_then(&key) {
                shares.entry(leaf).or_default().own += stack.weight;
            }
            let keys: BTreeSet<K> = stack.all.iter().copied().filter_map(&key).collect();
            for key in keys {
                shares.entry(key).or_default().total += stack.weight;
            }
        }
        shares
    }
}

/// Counts a stack: as the leaf its last frame, anywhere each thing once.
fn add(
    selection: &Selection<'_>,
    table: &FunctionTable<'_>,
    annotations: &mut HashMap<FunctionId, Annotation>,
    stack: StackId,
    weight: Weight,
) {
    let mut frames = selection.profile.stack(stack);
    frames.retain(|id| !table.of_frame(*id).is_empty());
    let leaf = frames.len().checked_sub(1);
    let mut counter = Counter {
        weight,
        seen: HashSet::new(),
    };
    let mut places: HashMap<FunctionId, Places> = HashMap::new();
    for (position, id) in frames.into_iter().enumerate() {
        let functions = table.of_frame(id);
        for (depth, (&function, named)) in functions.iter().zip(selection.named(id)).enumerate() {
            let Some(annotation) = annotations.get_mut(&function) else {
                continue;
            };
            // inlined into itself, it is at one place twice: that counts once
            let is_first = !functions[..depth].contains(&function);
            let is_leaf = Some(position) == leaf && is_first;
            counter.count(&mut annotation.share, (function, At::Function), is_leaf);
            if is_leaf && functions.last() != Some(&function) {
                annotation.inlined += weight;
            }
            if let Some(location) = &named.location {
                let key = (location.file.to_string(), location.line);
                let share = annotation.lines.entry(key).or_default();
                counter.count(share, (function, At::Line(location)), is_leaf);
            }
            if let Frame::File(_, offset) = selection.profile.frames().get(id) {
                let places = places.entry(function).or_default();
                places.all.push(offset);
                if is_leaf {
                    places.leaf = Some(offset);
                }
            }
        }
    }
    for (function, mut places) in places {
        if let Some(annotation) = annotations.get_mut(&function) {
            places.weight = weight;
            annotation.stacks.push(places);
        }
    }
}

/// Counts what there is of one stack.
struct Counter<'a> {
    weight: Weight,
    seen: HashSet<(FunctionId, At<'a>)>,
}

/// What counts once a stack.
#[derive(PartialEq, Eq, Hash)]
enum At<'a> {
    Function,
    Line(&'a Location),
}

impl<'a> Counter<'a> {
    fn count(&mut self, share: &mut Share, what: (FunctionId, At<'a>), is_leaf: bool) {
        if is_leaf {
            share.own += self.weight;
        }
        if self.seen.insert(what) {
            share.total += self.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder, everything};

    fn share(share: &Share) -> String {
        format!("{}/{}", share.own.0, share.total.0)
    }

    fn rows(pattern: &str) -> Vec<String> {
        let recording = Builder::new()
            .stack(&["main+0x10#1", "f+0x20#10", "f+0x28#11"], 3)
            .stack(&["main+0x10#1", "f+0x2c#10", "g_[i]#20"], 2)
            .stack(&["main+0x10#1", "f+0x24", "k_[k]"], 1)
            .stack(&["main+0x14#2"], 4)
            .build();
        let wanted = Regex::new(pattern).expect("it is a pattern");
        matching(&everything(&recording), &wanted)
            .iter()
            .map(|annotation| {
                let lines = annotation.lines.iter();
                let lines: Vec<_> = lines
                    .map(|((_, line), at)| format!("#{line} {}", share(at)))
                    .collect();
                let code = annotation.shares_by(Some);
                let code: Vec<_> = code
                    .iter()
                    .map(|(offset, at)| format!("+{:x} {}", offset.0, share(at)))
                    .collect();
                format!(
                    "{} {} inlined {}: {}; {}",
                    annotation.name,
                    share(&annotation.share),
                    annotation.inlined.0,
                    lines.join(", "),
                    code.join(", ")
                )
            })
            .collect()
    }

    /// Check weights by line and place, of recursion and of what was inlined.
    #[test]
    fn lines_and_places_are_weighed() {
        assert_eq!(
            rows("^f$"),
            ["f 5/6 inlined 2: #10 2/5, #11 3/3; +20 0/3, +24 0/1, +28 3/3, +2c 2/2"]
        );
        assert_eq!(rows("g"), ["g_[i] 2/2 inlined 0: #20 2/2; +2c 2/2"]);
        assert_eq!(rows("k"), ["k_[k] 1/1 inlined 0: ; "]);
        assert_eq!(rows("nothing"), [""; 0]);
    }

    /// Check that two places in one instruction weigh once for a stack that is at both.
    #[test]
    fn instructions_count_once_a_stack() {
        let recording = Builder::new()
            .stack(&["f+0x24", "f+0x24", "f+0x20"], 3)
            .stack(&["f+0x24"], 2)
            .build();
        let wanted = Regex::new("f").expect("it is a pattern");
        let annotations = matching(&everything(&recording), &wanted);
        let places = [FileOffset(0x20), FileOffset(0x24)];
        assert_eq!(annotations[0].places(), places);
        let shares = annotations[0].shares_by(|place| Some(place.0 / 8));
        assert_eq!(shares.values().map(share).collect::<Vec<_>>(), ["5/5"]);
        assert!(annotations[0].shares_by(|_| None::<u8>).is_empty());
    }

    /// Check that the hottest function is first.
    #[test]
    fn functions_are_in_order() {
        let names: Vec<_> = rows("^(f|main|k)$")
            .iter()
            .filter_map(|row| row.split(' ').next().map(str::to_owned))
            .collect();
        assert_eq!(names, ["f", "main", "k_[k]"]);
    }
}
