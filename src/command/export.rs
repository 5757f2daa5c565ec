//! `somno export`: read, select, write.

use super::open;
use super::output::Output;
use super::write::{Written, page};
use super::{Verbosity, recorded, say};
use crate::cli::export::Export;
use crate::config::export::ExportConfig;
use crate::error::Result;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// When the recording cannot be read, or an output not be written.
pub fn run(typed: Export, verbosity: Verbosity) -> Result<u8> {
    let config = ExportConfig::new(typed)?;
    let recording = recorded::open_and_say(&config.file, verbosity)?;
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
