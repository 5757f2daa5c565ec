//! What `somno export` is to do.

use std::path::PathBuf;

use super::filters::FilterConfig;
use super::format_options;
use super::output::{OutputConfig, OutputFormat, check_distinct, check_terminal, outputs};
use crate::cli::export::Export;
use crate::error::{Error, Result};
use crate::export;

/// What `somno export` is to do.
#[derive(Clone, Debug)]
pub struct ExportConfig {
    /// The recording.
    pub file: PathBuf,
    /// What to write.
    pub outputs: Vec<OutputConfig>,
    /// Which samples.
    pub filters: FilterConfig,
    /// How to write it.
    pub format_options: export::Options,
    /// Whether a browser is to show it.
    pub open: bool,
}

impl ExportConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Export) -> Result<Self> {
        check_distinct(std::iter::once(&typed.file).chain(&typed.output))?;
        let open = typed.format_options.open;
        let extensions = OutputFormat::exported_extensions();
        let outputs = outputs(&typed.output, typed.format, open, &extensions)?;
        let is_recording = |output: &OutputConfig| output.format == OutputFormat::Recording;
        if outputs.iter().any(is_recording) {
            return Err(Error::usage(
                "a recording is exported to other formats only",
            ));
        }
        check_terminal(&outputs)?;
        Ok(Self {
            outputs,
            filters: FilterConfig::new(typed.filters)?,
            format_options: format_options::options(typed.format_options)?,
            file: typed.file,
            open,
        })
    }
}
