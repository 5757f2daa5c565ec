//! A function's source lines and instructions as text, with the share of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::functions::share;
use super::look::{Look, Role, percentage};
use crate::event::Weight;
use crate::profile::modules::ModuleTable;
use crate::text;
use crate::view::annotation::Annotation;
use crate::view::listing::{self, Row};
use crate::view::top::Share;

/// Lines and instructions that are shown around those with samples.
const AROUND: usize = 3;
/// Columns of two figures.
const FIGURES: usize = 14;

/// Something that has an own line: of source, or an instruction.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number or address.
    pub label: String,
    /// What stands there.
    pub text: String,
    /// What it weighs.
    pub share: Share,
}

/// A list of entries with a title, or the reason why there is none.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What is listed.
    pub title: String,
    /// What is to be known about it, where there is such.
    pub note: Option<String>,
    /// All of it; what has no samples near is not shown.
    pub entries: Vec<Entry>,
}

/// The line above a function's listings.
#[must_use]
pub fn head(annotation: &Annotation, modules: &ModuleTable, total: Weight, look: Look) -> String {
    let part = |weight| percentage(share(weight, total)).trim_start().to_owned();
    let inlined = match annotation.inlined {
        Weight(0) => String::new(),
        weight => format!(", {} of it in what was inlined", part(weight)),
    };
    format!(
        "{}  {}  self {}{inlined}, total {}\n",
        look.paint(Role::Group, &annotation.name.to_string()),
        look.paint(Role::Aside, &annotation.place.short_name(modules)),
        part(annotation.share.own),
        part(annotation.share.total),
    )
}

/// A listing with its title; entries far from samples are counted only.
#[must_use]
pub fn listing(listing: &Listing, total: Weight, look: Look) -> String {
    let mut text = look.paint(Role::Heading, &text::clean(&listing.title)) + "\n";
    if let Some(note) = &listing.note {
        text = text + &look.paint(Role::Aside, &text::clean(note)) + "\n";
    }
    let has_samples = |entry: &Entry| entry.share.total > Weight(0);
    let has_samples: Vec<_> = listing.entries.iter().map(has_samples).collect();
    let labels = listing.entries.iter().map(|entry| entry.label.len());
    let width = labels.max().unwrap_or(0);
    let rows = listing::rows(&has_samples, AROUND);
    if !rows.is_empty() {
        text += &heading(look);
    }
    for row in rows {
        match row {
            Row::Entry(position) => {
                let entry = &listing.entries[position];
                let figures = figures(entry.share, total, look);
                let (label, content) = (&entry.label, &entry.text);
                writeln!(text, "{figures}  {label:>width$}  {content}")
            }
            Row::Gap(count) => {
                let gap = format!("({count} without samples)");
                writeln!(text, "{:FIGURES$}  {}", "", look.paint(Role::Aside, &gap))
            }
        }
        .expect("a string takes everything");
    }
    text
}

/// What the two figures of an entry are.
fn heading(look: Look) -> String {
    let heading = |text| look.paint(Role::Heading, text);
    format!("   {}  {}\n", heading("self"), heading("total"))
}

/// Shares as the leaf and anywhere; nothing where there is none.
fn figures(share_of: Share, total: Weight, look: Look) -> String {
    let figure = |weight: Weight| match weight {
        Weight(0) => " ".repeat(FIGURES / 2),
        weight => {
            let share = share(weight, total);
            look.paint(Role::Share(share), &percentage(share))
        }
    };
    figure(share_of.own) + &figure(share_of.total)
}

/// The lines of one file: its text where it could be read, or else numbers only.
#[must_use]
pub fn source(
    file: &str,
    shares: &BTreeMap<u32, Share>,
    lines: Result<&[String], String>,
    note: Option<String>,
) -> Listing {
    let share_of = |line: u32| shares.get(&line).copied().unwrap_or_default();
    let (lines, reason) = match lines {
        Ok(lines) => (lines, None),
        Err(reason) => (&[][..], Some(format!("its text is not shown: {reason}"))),
    };
    let mut entries: Vec<_> = (1..)
        .zip(lines)
        .map(|(line, text)| Entry {
            label: line.to_string(),
            text: text.clone(),
            share: share_of(line),
        })
        .collect();
    // lines that the file does not have, all of them where it could not be read
    let beyond = shares
        .iter()
        .filter(|(line, _)| **line == 0 || **line as usize > lines.len());
    entries.extend(beyond.map(|(line, share)| Entry {
        label: match line {
            0 => "?".into(),
            line => line.to_string(),
        },
        text: String::new(),
        share: *share,
    }));
    Listing {
        title: format!("source {file}"),
        note: reason.or(note),
        entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_of(own: u64, total: u64) -> Share {
        Share {
            own: Weight(own),
            total: Weight(total),
        }
    }

    /// Check a file's lines, with gaps counted and lines that it does not have.
    #[test]
    fn lines_are_listed() {
        let lines: Vec<_> = (1..=20).map(|n| format!("line {n}")).collect();
        let shares = BTreeMap::from([
            (2, share_of(5, 10)),
            (12, share_of(0, 1)),
            (99, share_of(1, 1)),
        ]);
        let source = source("/a\x1b.c", &shares, Ok(&lines), Some("changed".into()));
        let text = listing(&source, Weight(100), Look::default());
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "source /a?.c",
                "changed",
                "   self  total",
                "                 1  line 1",
                "   5.0%  10.0%   2  line 2",
                "                 3  line 3",
                "                 4  line 4",
                "                 5  line 5",
                "                (3 without samples)",
                "                 9  line 9",
                "                10  line 10",
                "                11  line 11",
                "          1.0%  12  line 12",
                "                13  line 13",
                "                14  line 14",
                "                15  line 15",
                "                (2 without samples)",
                "                18  line 18",
                "                19  line 19",
                "                20  line 20",
                "   1.0%   1.0%  99  ",
            ]
        );
    }

    /// Check that the lines of a file that is not there are listed by number.
    #[test]
    fn a_missing_file_is_told() {
        let shares = BTreeMap::from([(0, share_of(1, 1)), (7, share_of(2, 2))]);
        let source = source("x.c", &shares, Err("No such file".into()), None);
        let text = listing(&source, Weight(10), Look::default());
        assert_eq!(
            text,
            "source x.c\nits text is not shown: No such file\n   self  total\n\
             \x20 10.0%  10.0%  ?  \n  20.0%  20.0%  7  \n"
        );
    }

    /// Check that there are no columns where nothing is listed.
    #[test]
    fn nothing_is_listed() {
        let source = source("x.c", &BTreeMap::new(), Ok(&[]), None);
        let text = listing(&source, Weight(10), Look::default());
        assert_eq!(text, "source x.c\n");
    }
}
