//! `somno report`.

use std::path::PathBuf;

use clap::Args;

use super::doctor::Format;
use super::filters::Filters;
use super::number;

/// Show where a recording's samples are
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        somno report profile.somno\n  \
        somno report profile.somno --tree --no-kernel\n  \
        somno report profile.somno --callers '^malloc$'\n  \
        somno report profile.somno --from 2s --to 3s --group thread\n  \
        somno report profile.somno --format json | jq '.functions[:3]'")]
pub struct Report {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Functions to show [default: 40; with --format json all]
    #[arg(
        long,
        value_name = "N",
        value_parser = number::expected::<usize>("a number of functions")
    )]
    pub top: Option<usize>,
    /// Show who calls whom, from the roots
    #[arg(long, conflicts_with_all = ["callers", "top"])]
    pub tree: bool,
    /// Show the callers of functions that match this regular expression
    #[arg(long, value_name = "RE", conflicts_with = "top")]
    pub callers: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Which samples.
    #[command(flatten)]
    pub filters: Filters,
}
