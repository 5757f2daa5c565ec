//! `somno view`.

use std::path::PathBuf;

use clap::Args;

use super::look::Look;

/// Look at a recording in the terminal
#[derive(Debug, Args)]
pub struct View {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only this event, where several were recorded
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}
