//! Writes a recording's samples as what was asked for.

use std::fs;
use std::io::{self, Write};

use super::open::Page;
use super::output::Output;
use crate::config::filters::FilterConfig;
use crate::config::output::{OutputConfig, OutputFormat};
use crate::error::Result;
use crate::export::{self, Options, Subject};
use crate::recording::Recording;
use crate::report::{json, summary};
use crate::view::selection::{Filter, Selection};
use crate::view::{threads, top};

/// What is written, chosen once for all outputs.
#[derive(Debug)]
pub struct Written<'a> {
    recording: &'a Recording,
    selection: Selection<'a>,
    /// The same with samples of every event, for formats that have them apart.
    of_every_event: Selection<'a>,
    options: &'a Options,
    remark: String,
}

impl<'a> Written<'a> {
    /// Chooses samples.
    ///
    /// # Errors
    /// When the recording does not have what is wanted.
    pub fn new(
        recording: &'a Recording,
        filters: &FilterConfig,
        options: &'a Options,
    ) -> Result<Self> {
        let header = &recording.header;
        let select = |filter: Filter| {
            Selection::new(&recording.profile, &recording.names, header.began, &filter)
        };
        Ok(Self {
            recording,
            selection: select(filters.of(header)?),
            of_every_event: select(filters.of_every_event(header)?),
            options,
            remark: summary::remark(header, &recording.totals, &recording.tally),
        })
    }

    /// Writes them as a profile or an object; a recording is not made of them.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn write(&self, output: &OutputConfig, to: &mut dyn Write) -> io::Result<()> {
        let format = match output.format {
            OutputFormat::Profile(format) => format,
            OutputFormat::Json => return self.write_json(to),
            OutputFormat::Recording => return Err(io::ErrorKind::Unsupported.into()),
        };
        let subject = Subject {
            selection: if format.has_events() {
                &self.of_every_event
            } else {
                &self.selection
            },
            header: &self.recording.header,
            duration: self.recording.totals.duration,
            remark: &self.remark,
        };
        let options = Options {
            compress: output.compress,
            ..self.options.clone()
        };
        export::write(format, &subject, &options, to)
    }

    fn write_json(&self, to: &mut dyn Write) -> io::Result<()> {
        let functions = top::hottest(&self.selection);
        let threads = threads::busiest(&self.selection);
        let text = json::text(self.recording, 0, &functions, &threads);
        to.write_all(text.as_bytes())
    }
}

/// The first output that a browser can show.
#[must_use]
pub fn page<'a>(outputs: impl IntoIterator<Item = (&'a Output, &'a OutputConfig)>) -> Option<Page> {
    outputs.into_iter().find_map(|(output, config)| {
        let name = output.name();
        Some(Page {
            format: config.for_browsers()?,
            path: fs::canonicalize(&name).unwrap_or_else(|_| name.into()),
        })
    })
}
