//! `somno completions`: what a shell needs to complete command lines.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::write_stdout;
use crate::cli::Cli;
use crate::cli::completions::Completions;
use crate::error::Result;

/// Runs the sub-command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(typed: &Completions) -> Result<u8> {
    write_stdout(&script(typed.shell), "the completions")?;
    Ok(0)
}

/// Makes a shell's script.
#[must_use]
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "somno", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
