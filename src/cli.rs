//! What a user types: clap types only.

pub mod annotate;
pub mod completions;
pub mod diff;
pub mod doctor;
pub mod dump;
pub mod duration;
pub mod export;
pub mod filters;
pub mod format;
pub mod format_options;
pub mod hints;
pub mod list;
pub mod live;
pub mod look;
mod number;
pub mod record;
pub mod report;
pub mod sampling;
pub mod targets;
pub mod view;

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

/// Where --help has the options of every sub-command.
const GLOBAL: &str = "Global options";

/// A sampling profiler that reads stacks where the task can sleep
#[derive(Debug, Parser)]
#[command(
    name = "somno",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "EXAMPLES:\n  \
        sudo somno record -- python3 script.py\n  \
        somno report profile.somno\n  \
        somno export profile.somno -o profile.svg\n  \
        sudo somno doctor\n\n\
        `man 7 somno` tells how it works, what it needs and what gets lost."
)]
pub struct Cli {
    /// Say more; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub verbose: u8,
    /// Say only what went wrong
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
    /// Colours in what is shown
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help_heading = GLOBAL)]
    pub color: Color,
    /// Do not start a pager for what is longer than the terminal
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub no_pager: bool,
    /// Take options that are not typed from this file
    #[arg(
        help = "Take options that are not typed from this file [default: somno/somno.toml in \
                $XDG_CONFIG_HOME or ~/.config, else /etc/somno.toml]",
        long,
        global = true,
        value_name = "FILE",
        help_heading = GLOBAL
    )]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sample a command, processes, a cgroup or the whole system, then write a profile
    Record(Box<record::Record>),
    /// Sample, and show it live in the terminal
    Live(Box<live::Live>),
    /// Look at a recording in the terminal
    View(view::View),
    /// Show where a recording's samples are
    Report(Box<report::Report>),
    /// Show hot source lines and instructions of functions
    Annotate(annotate::Annotate),
    /// Show what grew and what shrank between two recordings
    Diff(Box<diff::Diff>),
    /// Write a recording in another format
    Export(Box<export::Export>),
    /// Show the stacks of all threads now, without stopping any
    Dump(dump::Dump),
    /// List what -e and --format accept here
    List(list::List),
    /// Tell what this kernel and user can do, and how to get the rest
    Doctor(doctor::Doctor),
    /// Write what a shell needs to complete somno's command lines
    Completions(completions::Completions),
}

impl Command {
    /// Whether it captures, or looks whether that could be done.
    #[must_use]
    pub fn captures(&self) -> bool {
        matches!(
            self,
            Self::Record(_) | Self::Live(_) | Self::Dump(_) | Self::List(_) | Self::Doctor(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Check that clap finds no contradiction in the definitions.
    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
