//! Profiles in the formats that other tools read.

mod class;
pub mod colors;
pub mod differential;
pub mod firefox;
#[cfg(test)]
mod fixture;
pub mod folded;
pub mod html;
pub mod perf_script;
pub mod pprof;
pub mod speedscope;
pub mod svg;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use self::colors::Colors;
use crate::profile::header::{Header, Unit};
use crate::profile::names::Kind;
use crate::view::selection::{Selection, StackFrame};

/// What a profile can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A flame graph.
    Svg,
    /// An interactive page.
    Html,
    /// Folded stacks.
    Folded,
    /// A pprof profile.
    Pprof,
    /// A speedscope profile.
    Speedscope,
    /// A profile of the Firefox Profiler.
    Firefox,
    /// The text of `perf script`.
    PerfScript,
}

impl Format {
    /// Every format, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Svg,
        Self::Html,
        Self::Folded,
        Self::Pprof,
        Self::Speedscope,
        Self::Firefox,
        Self::PerfScript,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Html => "html",
            Self::Folded => "folded",
            Self::Pprof => "pprof",
            Self::Speedscope => "speedscope",
            Self::Firefox => "firefox",
            Self::PerfScript => "perf-script",
        }
    }

    /// How names of such files end, the one for new files first.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Svg => &["svg"],
            Self::Html => &["html"],
            Self::Folded => &["folded", "txt"],
            Self::Pprof => &["pb.gz", "pprof"],
            Self::Speedscope => &["speedscope.json"],
            Self::Firefox => &["firefox.json", "firefox.json.gz"],
            Self::PerfScript => &["perf"],
        }
    }

    /// Whether a browser, or a viewer in one, can show it.
    #[must_use]
    pub fn is_for_browsers(self) -> bool {
        matches!(
            self,
            Self::Svg | Self::Html | Self::Speedscope | Self::Firefox
        )
    }

    /// Whether it has samples of several events apart.
    #[must_use]
    pub fn has_events(self) -> bool {
        matches!(
            self,
            Self::Html | Self::Pprof | Self::Speedscope | Self::PerfScript
        )
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Svg => "A flame graph",
            Self::Html => "An interactive page, whole in itself",
            Self::Folded => "Folded stacks",
            Self::Pprof => "A profile for pprof, as of Go",
            Self::Speedscope => "A profile for speedscope.app",
            Self::Firefox => "A profile for profiler.firefox.com",
            Self::PerfScript => "The text that perf script prints",
        }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The samples.
    pub selection: &'a Selection<'a>,
    /// Where they are from.
    pub header: &'a Header,
    /// How long they were taken.
    pub duration: Duration,
    /// How completely they were taken, in a few words.
    pub remark: &'a str,
}

impl Subject<'_> {
    /// What stands above: what was asked for, or else what was sampled.
    fn title<'a>(&'a self, options: &'a Options) -> &'a str {
        options.title.as_deref().unwrap_or(&self.header.target)
    }

    /// What weights count: samples, unless all are time.
    fn unit(&self) -> Unit {
        let rows = self.selection.rows();
        let is_time = |event: u8| self.header.unit(usize::from(event)) == Unit::Nanoseconds;
        if !rows.is_empty() && rows.iter().all(|row| is_time(row.event)) {
            Unit::Nanoseconds
        } else {
            Unit::Samples
        }
    }
}

/// How it is written; what a format has no use for is ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What stands above; the target where nothing is given.
    pub title: Option<String>,
    /// Pixels from side to side; as many as there are where nothing is given.
    pub width: Option<usize>,
    /// What decides a frame's colour.
    pub colors: Colors,
    /// Frames of less than this are not drawn, in percent of the whole.
    pub min_width: f64,
    /// Whether roots are at the top.
    pub icicle: bool,
    /// Whether stacks stay in order of time and are not merged.
    pub flamechart: bool,
    /// Whether stacks are turned round, leaves to the root.
    pub reverse: bool,
    /// Whether it is compressed with gzip, as pprof profiles are in any case.
    pub compress: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: None,
            width: None,
            colors: Colors::default(),
            min_width: inferno::flamegraph::defaults::MIN_WIDTH,
            icicle: false,
            flamechart: false,
            reverse: false,
            compress: false,
        }
    }
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
    if options.compress && format != Format::Pprof {
        let mut gzip = GzEncoder::new(to, Compression::default());
        write_plain(format, subject, options, &mut gzip)?;
        gzip.finish()?;
        return Ok(());
    }
    write_plain(format, subject, options, to)
}

fn write_plain(
    format: Format,
    subject: &Subject<'_>,
    options: &Options,
    to: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Svg => svg::write(subject, options, to),
        Format::Html => html::write(subject, options, to),
        Format::Folded => folded::write(subject.selection, to),
        Format::Pprof => pprof::write(subject, options, to),
        Format::Speedscope => speedscope::write(subject, options, to),
        Format::Firefox => firefox::write(subject, options, to),
        Format::PerfScript => perf_script::write(subject, to),
    }
}

/// The places of a stack: each frame with the functions that are inlined there, in the
/// order of the stack, which has them outermost first.
fn places<'a, 'b>(frames: &'b [StackFrame<'a>]) -> impl Iterator<Item = &'b [StackFrame<'a>]> {
    frames.chunk_by(|outer, inner| outer.id == inner.id && inner.named.name.kind() == Kind::Inlined)
}
