//! Folded stacks: `comm;root;...;leaf count`, as flamegraph.pl and inferno read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::view::selection::Selection;

/// What stands for the root of a stack that has neither group nor frames.
const EMPTY: &str = "all";

/// Makes the lines, sorted, each stack once; frames of the same names are merged.
#[must_use]
pub fn lines(selection: &Selection<'_>) -> Vec<String> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for stack in selection.stacks() {
        let mut line = stack.label.unwrap_or_default();
        for frame in &stack.frames {
            if !line.is_empty() {
                line.push(';');
            }
            write!(line, "{}", frame.named.name).expect("a string takes everything");
        }
        if line.is_empty() {
            line.push_str(EMPTY);
        }
        *weights.entry(line).or_default() += stack.weight.0;
    }
    weights
        .into_iter()
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
