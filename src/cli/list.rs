//! `somno list`.

use clap::{Args, ValueEnum};

/// List what -e and --format accept here
#[derive(Debug, Args)]
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
