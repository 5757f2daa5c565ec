//! `somno list`.

use clap::{Args, ValueEnum};

/// List what -e and --format accept here
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        somno list formats\n  \
        sudo somno list events | grep cache")]
pub struct List {
    /// Only these
    #[arg(value_enum)]
    pub what: Option<What>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// What -e accepts
    Events,
    /// What --format accepts
    Formats,
}
