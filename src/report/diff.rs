//! What grew and what shrank, as a table.

use std::fmt::Write as _;

use super::head::amount;
use super::look::{Look, Role, percentage, width};
use super::summary;
use crate::profile::header::Header;
use crate::text;
use crate::view::diff::{Change, Diff, Difference, SIGMAS, Side};

/// Columns of the figures, with what is between them and the name.
const FIGURES: usize = 2 * (7 + 7 + 8) + 4;
/// Columns that names are filled to at most, and that they have at least on a terminal.
const LONG_NAME: usize = 60;
const NAME: usize = 24;

/// Two recordings that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What they have in common and not.
    pub diff: &'a Diff,
    /// Where the first is from.
    pub before: &'a Header,
    /// Where the second is from.
    pub after: &'a Header,
    /// Changes of a share below this are hidden.
    pub threshold: f64,
}

/// Makes a row a function that changed: shares before and after, and the change in
/// percentage points, as the leaf and anywhere.
#[must_use]
pub fn text(subject: &Subject<'_>, look: Look) -> String {
    let diff = subject.diff;
    let (shown, hidden): (Vec<_>, Vec<_>) = diff
        .changes
        .iter()
        .partition(|change| is_shown(change, subject.threshold));
    let mut text = head(subject, look);
    let names = shown.iter().map(|change| width(&change.name.to_string()));
    let longest = names.max().unwrap_or(0).min(LONG_NAME);
    let columns = look
        .width
        .map(|all| all.saturating_sub(FIGURES).max(NAME))
        .map_or(longest, |room| room.min(longest));
    if !shown.is_empty() {
        text += &heading(look);
    }
    for change in &shown {
        let row = row(change, columns, look);
        writeln!(text, "{}", row.trim_end()).expect("a string takes everything");
    }
    text + "\n" + &foot(subject, hidden.len(), shown.is_empty(), look)
}

fn is_shown(change: &Change, threshold: f64) -> bool {
    [change.own, change.total]
        .iter()
        .any(|difference| difference.change().abs() >= threshold && difference.change() != 0.0)
}

fn head(subject: &Subject<'_>, look: Look) -> String {
    let Subject {
        diff,
        before,
        after,
        ..
    } = subject;
    let side = |label: &str, header: &Header, side: &Side| {
        let target = look.paint(Role::Group, &text::clean(&header.target));
        let events = text::clean(&header.event_names());
        let amount = amount(header, 0, side.total);
        let label = look.paint(Role::Aside, label);
        format!("{label}  {target}  {events}: {amount}\n")
    };
    let mut text = side("before", before, &diff.before) + &side("after ", after, &diff.after);
    if before.event_names() != after.event_names() {
        text += "the events differ: shares of one are not shares of the other\n";
    }
    text + "\n"
}

fn heading(look: Look) -> String {
    let heading = |text: &str| look.paint(Role::Heading, text);
    format!(
        " {}   {} {}    {}  {} {}   {}\n",
        heading("before"),
        heading("self"),
        heading("change"),
        heading("before"),
        heading("total"),
        heading("change"),
        heading("function"),
    )
}

fn row(change: &Change, columns: usize, look: Look) -> String {
    let figures = |difference: &Difference| {
        let share = |share| look.paint(Role::Share(share), &percentage(share));
        format!(
            "{}{}{}",
            share(difference.before),
            share(difference.after),
            points(difference, look)
        )
    };
    let name = change.name.to_string();
    let cut = look.width.map(|_| columns);
    format!(
        "{}  {}  {}{}  {}",
        figures(&change.own),
        figures(&change.total),
        look.name(&change.name, cut),
        " ".repeat(columns.saturating_sub(width(&name))),
        look.paint(Role::Aside, &remark(change)),
    )
}

/// A change in percentage points, marked where it is beyond noise.
fn points(difference: &Difference, look: Look) -> String {
    let change = difference.change() * 100.0;
    let (role, mark) = match (difference.is_beyond_noise(), change > 0.0) {
        (true, true) => (Role::Grew, '*'),
        (true, false) => (Role::Shrank, '*'),
        (false, _) => (Role::Aside, ' '),
    };
    look.paint(role, &format!("{change:+7.1}{mark}"))
}

/// The module, and whether the function is on one side only.
fn remark(change: &Change) -> String {
    let only = match (change.before.total.0, change.after.total.0) {
        (0, _) => "new",
        (_, 0) => "gone",
        _ => "",
    };
    let words = [change.module.as_str(), only];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(", ")
}

fn foot(subject: &Subject<'_>, hidden: usize, is_empty: bool, look: Look) -> String {
    let Subject {
        diff, threshold, ..
    } = subject;
    let mut lines = Vec::new();
    let points = |share: f64| format!("{} points", rounded(share * 100.0));
    let least = points(*threshold);
    if is_empty {
        lines.push(format!("nothing changed by {least} or more"));
    }
    if hidden > 0 {
        lines.push(format!(
            "hidden: {hidden} functions that changed by less than {least}; --threshold shows them"
        ));
    }
    let sides = [diff.before, diff.after];
    if sides.iter().any(|side| side.samples == 0) {
        lines.push("one side has no samples: nothing can be compared".into());
    } else {
        let [before, after] = sides.map(|side| side.samples);
        lines.push(format!(
            "with {before} and {after} samples differences below {} are noise for a function at \
             half of all, below {} for one at a hundredth",
            points(diff.noise(0.5)),
            points(diff.noise(0.01)),
        ));
        if sides.iter().any(is_uneven) {
            let [before, after] = sides.map(|side| side.effective);
            lines.push(format!(
                "they weigh so differently that they say as much as {before:.0} and {after:.0} equal ones"
            ));
        }
        lines.push(format!(
            "* beyond noise: more than {SIGMAS} standard errors. How much two runs differ by \
             themselves is not in that."
        ));
    }
    lines
        .into_iter()
        .map(|line| look.paint(Role::Aside, &line) + "\n")
        .collect()
}

/// Whether the number of samples overstates what they say.
fn is_uneven(side: &Side) -> bool {
    side.effective < side.samples as f64 * 0.95
}

/// Two digits of what is small, one of what is not.
fn rounded(points: f64) -> String {
    if points < 1.0 {
        format!("{points:.2}")
    } else {
        format!("{points:.1}")
    }
}

/// What differs, for a place with room for one line.
#[must_use]
pub fn remark_of(diff: &Diff) -> String {
    format!(
        "red: more of its own than before, blue: less; {} samples before, {} after; beyond noise \
         are {} points for half of all",
        diff.before.samples,
        diff.after.samples,
        summary::percent(diff.noise(0.5)).trim_end_matches('%'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};

    fn table(before: &Recording, after: &Recording, threshold: f64) -> String {
        let subject = Subject {
            diff: &Diff::new(&everything(before), &everything(after)),
            before: &before.header,
            after: &after.header,
            threshold,
        };
        text(&subject, Look::default())
    }

    fn before() -> Recording {
        Builder::new()
            .stack(&["main", "f"], 500)
            .stack(&["main", "g"], 498)
            .stack(&["main", "h"], 2)
            .build()
    }

    fn after() -> Recording {
        Builder::new()
            .stack(&["main", "f"], 300)
            .stack(&["main", "g"], 199)
            .stack(&["main", "new"], 1)
            .build()
    }

    /// Check the whole table.
    #[test]
    fn changes_are_listed() {
        assert_eq!(
            table(&before(), &after(), 0.005),
            "before  program  cpu-clock: 1000 samples, 1.0 s
after   program  cpu-clock: 500 samples, 500.0 ms

 before   self change    before  total change   function
  50.0%  60.0%  +10.0*    50.0%  60.0%  +10.0*  f  program
  49.8%  39.8%  -10.0*    49.8%  39.8%  -10.0*  g  program

hidden: 3 functions that changed by less than 0.50 points; --threshold shows them
with 1000 and 500 samples differences below 8.2 points are noise for a function at half of all, \
below 1.6 points for one at a hundredth
* beyond noise: more than 3 standard errors. How much two runs differ by themselves is not in that.
"
        );
    }

    /// Check that what is on one side only is called new or gone, and noise is not marked.
    #[test]
    fn new_and_gone() {
        let text = table(&before(), &after(), 0.0);
        let line = |name: &str| {
            let mut lines = text.lines();
            let found = lines.find(|line| line.contains(&format!("  {name} ")));
            found.expect(name).to_owned()
        };
        assert!(line("h").ends_with("program, gone") && !line("h").contains('*'));
        assert!(line("new").ends_with("program, new"));
        assert!(!text.contains("  main "), "it did not change: {text}");
    }

    /// Check that equal recordings, empty ones, and hostile names are no trouble.
    #[test]
    fn nothing_changed() {
        let text = table(&before(), &before(), 0.005);
        assert!(
            text.contains("nothing changed by 0.50 points or more"),
            "{text}"
        );
        let none = Builder::new().build();
        let text = table(&none, &before(), 0.005);
        assert!(text.contains("one side has no samples"), "{text}");
        let mut hostile = Builder::new().stack(&["a\x1b[2J;b"], 9).build();
        hostile.header.target = "x\x1b[2J".into();
        hostile.header.events[0].name = "y\n".into();
        let text = table(&before(), &hostile, 0.005);
        assert!(!text.contains('\x1b'), "{text}");
        assert!(text.contains("the events differ"), "{text}");
    }
}
