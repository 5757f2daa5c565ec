//! Profiles in the formats that other tools read.

pub mod differential;
pub mod folded;
pub mod html;
pub mod svg;

use std::io::{self, Write};

use crate::profile::header::Header;
use crate::view::selection::Selection;

/// What a profile can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A flame graph.
    Svg,
    /// Folded stacks.
    Folded,
    /// An interactive page.
    Html,
}

impl Format {
    /// Every format, in the order of lists.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Folded, Self::Html];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Folded => "folded",
            Self::Html => "html",
        }
    }

    /// How names of such files end, the one for new files first.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Svg => &["svg"],
            Self::Folded => &["folded", "txt"],
            Self::Html => &["html"],
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Svg => "A flame graph",
            Self::Folded => "Folded stacks",
            Self::Html => "An interactive page, for any browser",
        }
    }

    /// The format that a file's name asks for: that with the longest ending.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let ends = |extension: &str| {
            let stem = name.strip_suffix(extension)?;
            stem.ends_with('.').then_some(extension.len())
        };
        let length = |format: &Self| format.extensions().iter().filter_map(|e| ends(e)).max();
        let known = Self::ALL
            .into_iter()
            .filter(|format| length(format).is_some());
        known.max_by_key(length)
    }
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The samples.
    pub selection: &'a Selection<'a>,
    /// Where they are from.
    pub header: &'a Header,
    /// How completely they were taken, in a few words.
    pub remark: &'a str,
}

/// How it is written; what a format has no use for is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// What stands above; the target where nothing is given.
    pub title: Option<String>,
}

/// Writes a profile.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(
    format: Format,
    subject: &Subject<'_>,
    options: &Options,
    to: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Svg => svg::write(subject, options, to),
        Format::Folded => folded::write(subject.selection, to),
        Format::Html => html::write(subject, options, to),
    }
}
