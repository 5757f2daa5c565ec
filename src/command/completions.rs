//! `somno completions`: what a shell needs to complete command lines.

use clap::{Command, CommandFactory as _};
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
    generate(shell, &mut visible(&Cli::command()), "somno", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// What --help shows of a command: scripts would have hidden options too.
fn visible(command: &Command) -> Command {
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    let subs = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(command.get_version().unwrap_or_default().to_owned())
        .disable_version_flag(command.get_version().is_none())
        .args(options.cloned())
        .subcommands(subs.map(visible))
}
