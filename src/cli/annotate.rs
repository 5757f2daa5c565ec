//! `somno annotate`.

use std::path::PathBuf;

use clap::Args;

/// Show hot source lines and instructions of functions
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        somno annotate profile.somno '^compress_block$'\n  \
        somno annotate profile.somno 'HashMap.*insert' --no-pager | less -R")]
pub struct Annotate {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Functions whose name matches this regular expression, the hottest first
    #[arg(value_name = "FUNCTION-RE")]
    pub function: String,
}
