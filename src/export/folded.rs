//! Folded stacks: `comm;root;...;leaf count`, as flamegraph.pl and inferno read them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::view::merged::{Merged, Order};
use crate::view::selection::{Selection, StackFrame};

/// What stands for the root of a stack that has neither group nor frames.
pub(super) const EMPTY: &str = "all";

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

/// Makes the lines, those with the same callers in a row, each stack once.
#[must_use]
pub fn lines(selection: &Selection<'_>) -> Vec<String> {
    let mut bytes = Vec::new();
    write(selection, &mut bytes).expect("memory takes everything");
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}

/// Writes folded stacks.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(selection: &Selection<'_>, to: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    Merged::new(selection, Order::FromRoot).each(0.0, &mut |stack| {
        line.clear();
        for (position, name) in stack.names.iter().enumerate() {
            if position > 0 {
                line.push(';');
            }
            line.push_str(name);
        }
        if stack.names.is_empty() {
            line.push_str(EMPTY);
        }
        writeln!(line, " {}", stack.weight.0).expect("a string takes everything");
        to.write_all(line.as_bytes())
    })
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
