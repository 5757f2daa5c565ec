//! `somno export`.

use std::path::PathBuf;

use clap::Args;

use super::filters::Filters;
use super::format;
use super::format_options::FormatOptions;
use crate::config::output::OutputFormat;

/// Write a recording in another format
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        somno export profile.somno -o profile.svg\n  \
        somno export profile.somno -o profile.html --open\n  \
        somno export profile.somno -o - --format folded --comm '^worker' | less\n  \
        somno export profile.somno -o profile.pb.gz --from 2s --to 3s")]
pub struct Export {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write here
    #[arg(
        help = format!("Write here, by extension: {}; - is stdout", OutputFormat::exported_extensions()),
        short,
        long,
        value_name = "OUT",
        required = true
    )]
    pub output: Vec<PathBuf>,
    /// What to write, whatever the extension
    #[arg(long, value_parser = format::exported(), value_name = "FORMAT")]
    pub format: Option<OutputFormat>,
    /// Which samples.
    #[command(flatten)]
    pub filters: Filters,
    /// How.
    #[command(flatten)]
    pub format_options: FormatOptions,
}
