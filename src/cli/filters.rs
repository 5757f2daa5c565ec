//! Which samples of a recording are wanted.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{duration, number};

/// Options that choose samples; all of them must hold.
#[derive(Clone, Debug, Default, Args)]
pub struct Filters {
    /// Only threads whose name matches this regular expression
    #[arg(long, value_name = "RE", help_heading = "Filters")]
    pub comm: Option<String>,
    /// Only in cgroups whose path matches this regular expression
    #[arg(long, value_name = "RE", help_heading = "Filters")]
    pub cgroup: Option<String>,
    /// Only where this variable, which was recorded, matches this regular expression
    #[arg(long, value_name = "NAME=RE", help_heading = "Filters")]
    pub env: Vec<String>,
    /// Only these processes (12,34)
    #[arg(
        short,
        long,
        value_name = "PID",
        value_delimiter = ',',
        value_parser = number::expected::<u32>("the number of a process"),
        help_heading = "Filters"
    )]
    pub pid: Vec<u32>,
    /// Only these threads (12,34)
    #[arg(
        short,
        long,
        value_name = "TID",
        value_delimiter = ',',
        value_parser = number::expected::<u32>("the number of a thread"),
        help_heading = "Filters"
    )]
    pub tid: Vec<u32>,
    /// Only on these CPUs (0,2-3)
    #[arg(short = 'C', long, value_name = "LIST", help_heading = "Filters")]
    pub cpu: Option<String>,
    /// Only stacks with a function that matches this regular expression
    #[arg(long, value_name = "RE", help_heading = "Filters")]
    pub function: Option<String>,
    /// Only stacks with a module whose path matches this regular expression
    #[arg(long, value_name = "RE", help_heading = "Filters")]
    pub module: Option<String>,
    /// Only this event, where several were recorded
    #[arg(long, value_name = "EVENT", help_heading = "Filters")]
    pub event: Option<String>,
    /// Only from this time since the start on (1.5s)
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Filters")]
    pub from: Option<Duration>,
    /// Only before this time since the start (2m)
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Filters")]
    pub to: Option<Duration>,
    /// Leave kernel frames out, keep every sample
    #[arg(long, help_heading = "Filters")]
    pub no_kernel: bool,
    /// What samples are put together by [default: the thread's name]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Filters")]
    pub group: Option<Group>,
}

/// What samples are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Processes, by name and number
    Process,
    /// Threads, by name and number
    Thread,
    /// CPUs
    Cpu,
    /// Nothing: all together
    None,
}
