//! `somno export`: read, select, write.

use super::open;
use super::output::Output;
use super::report::unmatched;
use super::write::{Written, page};
use super::{Verbosity, recorded, say};
use crate::cli::export::Export;
use crate::config::export::ExportConfig;
use crate::config::output::{OutputConfig, OutputFormat};
use crate::error::Result;
use crate::recording::Recording;
use crate::view::selection::Selection;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// When the recording cannot be read, or an output not be written.
pub fn run(typed: Export, verbosity: Verbosity) -> Result<u8> {
    let config = ExportConfig::new(typed)?;
    let recording = recorded::open_and_say(&config.file, verbosity)?;
    check(&config, &recording, verbosity)?;
    let written = Written::new(&recording, &config.filters, &config.format_options)?;
    let mut outputs = Vec::new();
    for output in &config.outputs {
        outputs.push((Output::open(&output.destination)?, output));
    }
    let shown = outputs.iter().map(|(output, config)| (output, *config));
    let page = page(shown).filter(|_| config.open);
    for (output, config) in outputs {
        let name = output.name();
        output.write(|to| written.write(config, to))?;
        if verbosity > Verbosity::Normal {
            say(&format!("somno: wrote {name}"));
        }
    }
    if let Some(page) = page {
        open::show(&page, verbosity)?;
    }
    Ok(0)
}

/// Says so where nothing of the recording is chosen: a picture of nothing looks like one of a
/// program that did nothing.
fn check(config: &ExportConfig, recording: &Recording, verbosity: Verbosity) -> Result<()> {
    let header = &recording.header;
    let filter = if config.outputs.iter().all(has_events) {
        config.filters.of_every_event(header)?
    } else {
        config.filters.of(header)?
    };
    let (profile, names) = (&recording.profile, &recording.names);
    let selection = Selection::new(profile, names, header.began, &filter);
    unmatched::say_so(recording, &selection, &filter, verbosity);
    Ok(())
}

fn has_events(output: &OutputConfig) -> bool {
    matches!(output.format, OutputFormat::Profile(format) if format.has_events())
}
