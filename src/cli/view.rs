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
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}
