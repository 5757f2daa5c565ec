//! Flame graphs of a difference, drawn by inferno: the later profile, each frame red where it
//! has more samples of its own than before, and blue where it has less. What is gone has no
//! place in it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use inferno::flamegraph::{self, TextTruncateDirection, color::BackgroundColor};

use super::folded;
use crate::profile::header::Unit;
use crate::view::selection::Selection;

/// What is drawn where there is nothing to draw.
const EMPTY: &str = r#"<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="400" height="40" xmlns="http://www.w3.org/2000/svg">
<text x="10" y="25" font-family="monospace">no samples</text>
</svg>
"#;

/// What is drawn, and what stands above it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The profile to compare with.
    pub before: &'a Selection<'a>,
    /// The profile that is drawn.
    pub after: &'a Selection<'a>,
    /// What weights count.
    pub unit: Unit,
    /// The title.
    pub title: &'a str,
    /// The line below the title.
    pub remark: &'a str,
}

/// Draws a flame graph of what changed.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, to: &mut dyn Write) -> io::Result<()> {
    let lines = lines(subject.before, subject.after);
    if lines.is_empty() {
        return to.write_all(EMPTY.as_bytes());
    }
    let mut settings = flamegraph::Options::default();
    settings.title = subject.title.into();
    settings.subtitle = Some(subject.remark.into());
    settings.bgcolors = Some(BackgroundColor::Grey);
    settings.text_truncate_direction = TextTruncateDirection::Right;
    settings.count_name = match subject.unit {
        Unit::Samples => "samples".into(),
        Unit::Nanoseconds => "ns".into(),
    };
    flamegraph::from_lines(&mut settings, lines.iter().map(String::as_str), to)
}

/// Makes lines with two weights: before, scaled to the total of after, and after.
///
/// The scaled weights are rounded: inferno's own scaling cuts, so that where the first
/// profile is the longer one nearly everything would seem to grow.
fn lines(before: &Selection<'_>, after: &Selection<'_>) -> Vec<String> {
    let totals = (before.total().0, after.total().0);
    if totals.1 == 0 {
        return Vec::new();
    }
    let mut stacks: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for (stack, weight) in folded_stacks(before) {
        let scaled = weight as f64 * totals.1 as f64 / totals.0.max(1) as f64;
        stacks.entry(stack).or_default().0 = scaled;
    }
    for (stack, weight) in folded_stacks(after) {
        stacks.entry(stack).or_default().1 = weight;
    }
    stacks
        .into_iter()
        .map(|(stack, (before, after))| format!("{stack} {before:.0} {after}"))
        .collect()
}

fn folded_stacks(selection: &Selection<'_>) -> Vec<(String, u64)> {
    let split = |line: String| {
        let (stack, weight) = line.rsplit_once(' ')?;
        Some((stack.to_owned(), weight.parse().ok()?))
    };
    let lines = folded::lines(selection).into_iter();
    lines.filter_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};

    fn draw(before: &Recording, after: &Recording) -> String {
        let mut svg = Vec::new();
        let subject = Subject {
            before: &everything(before),
            after: &everything(after),
            unit: Unit::Samples,
            title: "a <title>",
            remark: "how",
        };
        write(&subject, &mut svg).expect("memory takes everything");
        String::from_utf8(svg).expect("it is text")
    }

    /// Check that weights are those of the later profile, and changes are in points and
    /// rounded, however many more samples the earlier one had.
    #[test]
    fn changes_are_drawn() {
        let before = Builder::new()
            .stack(&["main", "f"], 500)
            .stack(&["main", "g 12"], 470)
            .stack(&["main", "h"], 30)
            .build();
        let after = Builder::new()
            .stack(&["main", "f"], 7)
            .stack(&["main", "g 12"], 3)
            .build();
        let svg = draw(&before, &after);
        for expected in [
            "a &lt;title&gt;",
            "how",
            "f (7 samples, 70.00%; +20.00%)",
            "g 12 (3 samples, 30.00%; -20.00%)",
        ] {
            assert!(svg.contains(expected), "{expected} is not in {svg}");
        }
    }

    /// Check that a profile of nothing is a picture too.
    #[test]
    fn nothing_is_drawn() {
        let some = Builder::new().stack(&["f"], 1).build();
        let none = Builder::new().build();
        assert!(draw(&some, &none).contains("no samples"));
        assert!(draw(&none, &some).contains("f (1 samples"));
    }
}
