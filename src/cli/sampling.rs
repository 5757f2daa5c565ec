//! What to sample and how: the same for a recording and for the live interface.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueHint};

use super::targets::{Narrowing, Targets};
use super::{duration, number};

/// What to sample and how
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["pid", "tid", "cgroup", "all", "command"]))]
pub struct Sampling {
    /// What there is already.
    #[command(flatten)]
    pub targets: Targets,
    /// Run this command and sample it, with its children
    #[arg(
        value_name = "COMMAND",
        value_hint = ValueHint::CommandWithArguments,
        trailing_var_arg = true,
        help_heading = "Targets"
    )]
    pub command: Vec<OsString>,

    /// Which tasks of it.
    #[command(flatten)]
    pub narrowing: Narrowing,
    /// Do not follow children and threads made later
    #[arg(long, help_heading = "Narrowing")]
    pub no_inherit: bool,

    /// Samples a second [default: 999, with -a within --max-overhead]
    #[arg(
        short = 'F',
        long,
        value_name = "HZ",
        value_parser = number::expected::<u64>("a number of samples a second, above 0"),
        allow_negative_numbers = true, // to be refused by that
        conflicts_with = "period",
        help_heading = "Sampling"
    )]
    pub freq: Option<u64>,
    /// One sample after so many events
    #[arg(
        short = 'c',
        long,
        value_name = "N",
        value_parser = number::expected::<u64>("a number of events, above 0"),
        allow_negative_numbers = true,
        help_heading = "Sampling"
    )]
    pub period: Option<u64>,
    /// What to count
    #[arg(
        help = "What to count: perf's hardware, cache and software names, rNNN, CATEGORY:NAME, \
                mem:ADDR[/LEN][:rwx], uprobe:FILE:SYMBOL[+OFF] \
                [default: cycles, or cpu-clock where there is no PMU]",
        long_help = "What to count, once for each event: perf's hardware, cache and software names, rNNN, \
            CATEGORY:NAME, uprobe:FILE:SYMBOL[+OFF] or uprobe:FILE:OFF, \
            mem:ADDR[/LEN][:rwx]; `somno list events` knows them all. An event may have a rate \
            of its own: EVENT/freq=HZ/ or EVENT/period=N/. A tracepoint (CATEGORY:NAME) or uprobe \
            is sampled each time that a task comes by it, unless a rate is given; at a frequency, \
            at most so often on each CPU. Reports and formats that show one \
            event at a time show the first, unless --event names another \
            [default: cycles, or cpu-clock where there is no PMU]",
        short,
        long,
        value_name = "EVENT",
        value_delimiter = ',',
        help_heading = "Sampling"
    )]
    pub event: Vec<String>,
    /// Sample blocked time instead, in nanoseconds: waits of at least MIN [MIN: 100us]
    #[arg(
        long_help = "Sample the time off the CPU instead of that on it: every wait of at least MIN \
            (0, or with its unit; 100us if not given), and time in which a task could have run \
            but others did, by its length in nanoseconds. Shorter ones are summed in one figure (--stats, off_cpu).",
        long,
        value_name = "MIN",
        num_args = 0..=1,
        default_missing_value = "100us",
        value_parser = duration::parse_with_unit,
        conflicts_with_all = ["event", "freq", "period", "wall"],
        help_heading = "Sampling"
    )]
    pub off_cpu: Option<Duration>,
    /// Sample time on and off the CPU together, in nanoseconds [MIN: 100us]
    #[arg(
        long_help = "Sample time on the CPU and off it (see --off-cpu) together, in nanoseconds, as \
            two events: on-cpu and off-cpu.",
        long,
        value_name = "MIN",
        num_args = 0..=1,
        default_missing_value = "100us",
        value_parser = duration::parse_with_unit,
        conflicts_with = "event",
        help_heading = "Sampling"
    )]
    pub wall: Option<Duration>,
    /// With --off-cpu or --wall: who ended each wait
    #[arg(
        long_help = "With --off-cpu or --wall: who ended each wait, as frames behind those that \
            waited: its kernel stack from the wake-up on, then its name. Where an interrupt did, \
            that is whoever was interrupted.",
        long,
        help_heading = "Sampling"
    )]
    pub wakers: bool,
    /// Label samples with this variable of their process's environment
    #[arg(
        long_help = "Label samples with this variable of their process's environment, once for each, \
            as it was when its program was started. It is written to recordings and their exports, \
            where --env NAME=RE filters by it. Nothing else of an environment is kept, and of \
            other users' processes only root has it.",
        long,
        value_name = "NAME",
        help_heading = "Sampling"
    )]
    pub env: Vec<String>,
    /// Stop after this time (500ms, 10s, 1.5m; or seconds); a command that still runs is ended
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse, help_heading = "Sampling")]
    pub duration: Option<Duration>,
    /// Wait this long before sampling (500ms, 2s)
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Sampling")]
    pub delay: Option<Duration>,
    /// User frames to keep, leaf first, up to 1024 [default: 512]
    #[arg(
        long,
        value_name = "N",
        value_parser = number::expected::<u32>("a number of frames"),
        help_heading = "Sampling"
    )]
    pub max_depth: Option<u32>,
    /// Drop kernel frames, keep every sample
    #[arg(long, help_heading = "Sampling")]
    pub no_kernel: bool,
    /// Shed samples evenly where somno takes more than this share of a CPU, in percent
    #[arg(
        help = "Shed samples evenly where somno takes more than this share of a CPU, in percent \
                [default: 5 with -a where no rate is given, else none]",
        long_help = "Shed samples evenly where somno takes more than this share of a CPU's time, in \
            percent: interrupts and callbacks as they are measured on each CPU, and the process on \
            the average over all. Samples that remain weigh as much more, so that shares stay \
            right; what was shed is counted (--stats, lost.shed). Intervals off the CPU are not shed \
            [default: 5 with -a where no rate is given, else none]",
        long,
        value_name = "PCT",
        value_parser = percent,
        help_heading = "Sampling"
    )]
    pub max_overhead: Option<f64>,
    /// Never let a read sleep
    #[arg(long, hide = true)]
    pub no_fault: bool,
    /// Under sudo, run the command as root, not as the calling user
    #[arg(long, help_heading = "Sampling")]
    pub as_root: bool,
}

/// Reads a share of one CPU.
fn percent(text: &str) -> Result<f64, String> {
    let percent: Option<f64> = text.trim_end_matches('%').parse().ok();
    percent
        .filter(|&percent| percent > 0.0 && percent <= 100.0)
        .ok_or_else(|| "expected a percentage above 0, up to 100".into())
}
