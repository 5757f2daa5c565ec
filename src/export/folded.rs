//! Folded stacks: `comm;root;...;leaf count`, as flamegraph.pl and inferno read them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::profile::Profile;
use crate::symbolize::names::{Names, clean};

/// Makes the lines, sorted, each stack once; frames of the same names are merged.
#[must_use]
pub fn lines(profile: &Profile, names: &Names) -> Vec<String> {
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for row in profile.rows() {
        let mut stack = clean(&row.comm.to_text());
        for frame in profile.stack(row.stack) {
            for name in names.of(frame) {
                write!(stack, ";{name}").expect("a string takes everything");
            }
        }
        *weights.entry(stack).or_default() += row.weight.0;
    }
    weights
        .into_iter()
        .map(|(stack, weight)| format!("{stack} {weight}"))
        .collect()
}

/// Writes the lines.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(lines: &[String], to: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        writeln!(to, "{line}")?;
    }
    Ok(())
}
