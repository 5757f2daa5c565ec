//! Runs a sub-command: the only place that puts stages together.

pub mod annotate;
mod collected;
pub mod completions;
mod counts;
pub mod diff;
pub mod doctor;
mod downloads;
pub mod dump;
pub mod export;
mod interface;
pub mod list;
pub mod live;
pub mod open;
pub mod output;
pub mod progress;
pub mod record;
pub mod recorded;
pub mod report;
mod sampling;
pub mod screen;
pub mod settings;
mod target;
pub mod view;
pub mod write;

use std::io::{self, Write as _};

use nix::unistd::User;
use rustix::time::{ClockId, clock_gettime};

use self::screen::Screen;
use crate::cli::{Cli, Command};
use crate::error::{Context as _, Error, Result};
use crate::privileges;
use crate::symbolize::shrunk;
use crate::time::Timestamp;

/// How much to say on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What a person wants to know.
    Normal,
    /// Also what helps to understand a run.
    Verbose,
    /// Also what helps to understand somno.
    Diagnostic,
}

/// Says a line on standard error; that nobody reads it is no failure.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says what failed, and the next step where one is known.
pub fn complain(error: &Error) {
    say(&format!("somno: {error}"));
    if let Some(hint) = error.hint() {
        say(hint);
    }
}

/// Writes a text to standard output; that nobody reads it is no failure.
fn write_stdout(text: &str, what: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context(|| format!("write {what}")),
    }
}

/// The time now.
#[must_use]
pub fn now() -> Timestamp {
    let now = clock_gettime(ClockId::Monotonic);
    Timestamp(now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned())
}

/// The user who called sudo, where somno runs under it.
fn sudo_caller() -> Option<u32> {
    std::env::var("SUDO_UID").ok()?.parse().ok()
}

/// The same with the group.
fn sudo_caller_ids() -> Option<(u32, u32)> {
    let group = std::env::var("SUDO_GID").ok()?.parse().ok()?;
    Some((sudo_caller()?, group))
}

/// The user for whom this is done.
fn asker() -> Option<u32> {
    let own = rustix::process::geteuid();
    if own.is_root() {
        sudo_caller()
    } else {
        Some(own.as_raw())
    }
}

/// A user's number, from a number or a name.
fn user_id(user: &str) -> Option<u32> {
    let named = || Some(User::from_name(user).ok()??.uid.as_raw());
    user.parse().ok().or_else(named)
}

/// Runs what was typed and returns the exit status.
///
/// # Errors
/// Whatever fails; its kind decides the exit status.
pub fn run(cli: Cli, started: Timestamp) -> Result<u8> {
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Verbose,
        (false, _) => Verbosity::Diagnostic,
    };
    shrunk::survive().context(|| "look out for files that become shorter".into())?;
    let screen = Screen::new(cli.color, cli.no_pager);
    if !cli.command.captures() {
        privileges::keep_for_reading()?;
    }
    match cli.command {
        Command::Record(typed) => record::run(*typed, verbosity, started),
        Command::Live(typed) => live::run(*typed, verbosity, started),
        Command::View(typed) => view::run(&typed, verbosity),
        Command::Report(typed) => report::run(*typed, screen, verbosity),
        Command::Annotate(typed) => annotate::run(typed, screen, verbosity),
        Command::Diff(typed) => diff::run(*typed, screen, verbosity),
        Command::Export(typed) => export::run(*typed, verbosity),
        Command::Dump(typed) => dump::run(&typed, screen, verbosity),
        Command::List(typed) => list::run(&typed),
        Command::Doctor(typed) => doctor::run(&typed),
        Command::Completions(typed) => completions::run(&typed),
    }
}
