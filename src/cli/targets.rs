//! What to look at: options that commands share.

use std::ffi::OsString;

use clap::{Args, ValueHint};

use super::number;

/// Targets that are there already.
#[derive(Clone, Debug, Default, Args)]
pub struct Targets {
    /// These processes (12,34), all of their threads
    #[arg(
        short,
        long,
        value_name = "PID",
        value_delimiter = ',',
        value_parser = number::expected::<u32>("the number of a process"),
        help_heading = "Targets"
    )]
    pub pid: Vec<u32>,
    /// These threads (12,34)
    #[arg(
        short,
        long,
        value_name = "TID",
        value_delimiter = ',',
        value_parser = number::expected::<u32>("the number of a thread"),
        help_heading = "Targets"
    )]
    pub tid: Vec<u32>,
    /// This cgroup and those below it
    #[arg(
        help = "This cgroup and those below it: a directory, a path as in /proc/PID/cgroup, or the \
                beginning of a container's id",
        long,
        value_name = "CGROUP",
        value_hint = ValueHint::DirPath,
        help_heading = "Targets"
    )]
    pub cgroup: Option<OsString>,
    /// The whole system
    #[arg(short, long, help_heading = "Targets")]
    pub all: bool,
}

/// Which tasks of a target.
#[derive(Clone, Debug, Default, Args)]
pub struct Narrowing {
    /// Only on these CPUs (0,2-3)
    #[arg(short = 'C', long, value_name = "LIST", help_heading = "Narrowing")]
    pub cpu: Option<String>,
    /// Only tasks of this user (a name or a number)
    #[arg(short, long, value_name = "UID", value_hint = ValueHint::Username, help_heading = "Narrowing")]
    pub uid: Option<String>,
    /// Only tasks whose name matches this regular expression
    #[arg(long, value_name = "RE", help_heading = "Narrowing")]
    pub comm: Option<String>,
}
