//! `somno doctor`.

use clap::{Args, ValueEnum};

/// Tell what this kernel and user can do, and how to get the rest
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        sudo somno doctor\n  \
        sudo somno doctor --format json | jq .can_capture")]
pub struct Doctor {
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// For whom a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
}
