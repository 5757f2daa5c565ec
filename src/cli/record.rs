//! `somno record`.

use std::path::PathBuf;

use clap::Args;

use super::format_options::FormatOptions;
use super::sampling::Sampling;
use crate::config::output::OutputFormat;
use crate::config::rotation::Rotation;

/// Sample a command, processes, a cgroup or the whole system, then write a profile
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        sudo somno record -o profile.svg -- python3 script.py\n  \
        sudo somno record -p 1234 -d 10s -o profile.svg\n  \
        sudo somno record -a -F 99 -d 30s -o - --format folded | less")]
pub struct Record {
    /// What to sample and how.
    #[command(flatten)]
    pub sampling: Sampling,

    /// Write here, by extension
    #[arg(
        help = format!(
            "Write here, by extension: {}; - is stdout [default: profile.somno]",
            OutputFormat::all_extensions()
        ),
        short,
        long,
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub output: Vec<PathBuf>,
    /// What to write, whatever the extension
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<OutputFormat>,
    /// Write a recording in segments of this length, and keep the last N of them (60s:10)
    #[arg(
        help = "Write a recording in segments of this length, and keep the last N of them (60s:10)",
        long_help = "Write a recording in segments of this length, FILE.000001.somno and so on, each \
            of which can be read by itself; and keep the last N of them, those of earlier runs to the \
            same FILE included. All are kept where N is not given. For a profiler that is left on: \
            what was a minute ago is there when something has happened.",
        long,
        value_name = "TIME[:N]",
        conflicts_with = "debuginfod",
        help_heading = "Output"
    )]
    pub rotate: Option<Rotation>,
    /// Ask servers for debug files
    #[arg(
        help = "Ask the servers in DEBUGINFOD_URLS for debug files that are not here [off]",
        long_help = "Ask the servers in the environment's DEBUGINFOD_URLS, separated by blanks, for \
            debug files of programs and libraries that have neither debug information nor a symbol \
            table here. Without this, somno does not use the network.\n\n\
            Files are kept where elfutils and gdb have theirs: in DEBUGINFOD_CACHE_PATH, else \
            debuginfod_client in XDG_CACHE_HOME or ~/.cache; under sudo that is root's. A cache in \
            a directory that another user can write is not used.\n\n\
            DEBUGINFOD_TIMEOUT: seconds in which a server must send 100 KiB, or is given up [90]\n\
            DEBUGINFOD_MAXTIME: seconds for all files together [600]\n\
            DEBUGINFOD_MAXSIZE: bytes of a file [2 GiB]\n\n\
            Ctrl-C while files come gives up waiting, and the profile is written.",
        long,
        conflicts_with = "no_symbols",
        help_heading = "Output"
    )]
    pub debuginfod: bool,
    /// Leave names out of the recording
    #[arg(long, help_heading = "Output")]
    pub no_symbols: bool,
    /// Write counts of what happened, was lost and cost, as JSON; - is stdout
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub stats: Option<PathBuf>,
    /// How.
    #[command(flatten)]
    pub format_options: FormatOptions,
}
