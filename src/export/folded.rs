//! Folded stacks: `comm;root;...;leaf count`, as flamegraph.pl and inferno read them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::view::selection::{Selection, StackFrame};

/// What stands for the root of a stack that has neither group nor frames.
const EMPTY: &str = "all";

/// Adds up stacks, by their names; frames of the same names are merged.
#[must_use]
pub fn stacks(selection: &Selection<'_>) -> BTreeMap<String, u64> {
    let mut weights = BTreeMap::new();
    for stack in selection.stacks() {
        let names = names(stack.label.as_deref(), &stack.frames);
        *weights.entry(names).or_default() += stack.weight.0;
    }
    weights
}

/// Lists stacks as they followed each other; equal ones in a row are added up.
#[must_use]
pub fn in_time(selection: &Selection<'_>) -> Vec<(String, u64)> {
    let mut known = HashMap::new();
    let mut stacks: Vec<(String, u64)> = Vec::new();
    for row in selection.rows() {
        let names = known
            .entry((row.thread, row.cpu, row.stack))
            .or_insert_with(|| {
                let label = selection.label(row);
                names(label.as_deref(), &selection.frames(row.stack))
            });
        match stacks.last_mut() {
            Some((last, weight)) if last == names => *weight += row.weight.0,
            _ => stacks.push((names.clone(), row.weight.0)),
        }
    }
    stacks
}

/// Makes the lines, sorted, each stack once.
#[must_use]
pub fn lines(selection: &Selection<'_>) -> Vec<String> {
    let stacks = stacks(selection).into_iter();
    stacks
        .map(|(stack, weight)| format!("{stack} {weight}"))
        .collect()
}

/// Writes folded stacks.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(selection: &Selection<'_>, to: &mut dyn Write) -> io::Result<()> {
    for line in lines(selection) {
        writeln!(to, "{line}")?;
    }
    Ok(())
}

/// The part of a line before the count.
fn names(label: Option<&str>, frames: &[StackFrame<'_>]) -> String {
    let mut names = label.unwrap_or_default().to_owned();
    for frame in frames {
        if !names.is_empty() {
            names.push(';');
        }
        write!(names, "{}", frame.named.name).expect("a string takes everything");
    }
    if names.is_empty() {
        names.push_str(EMPTY);
    }
    names
}
