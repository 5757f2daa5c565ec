//! From what was typed to what was meant: validated once, with every default.

pub mod annotate;
pub mod diff;
pub mod export;
pub mod file;
pub mod filters;
mod format_options;
pub mod output;
pub mod report;

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::time::Duration;

use regex::Regex;

use self::output::{Destination, OutputConfig, check_distinct, destination, outputs};
use crate::bpf::abi;
use crate::capture::Moments;
use crate::capture::event_name::EventSpec;
use crate::cli::record::Record;
use crate::error::{Error, Result};
use crate::export::Options;
use crate::id::{Pid, Tid};
use crate::proc::cpus;
use crate::time::Rate;

const FREQUENCY: NonZeroU64 = NonZeroU64::new(999).expect("it is not zero");
const MAX_DEPTH: u32 = 512;

/// What `somno record` is to do.
#[derive(Clone, Debug)]
pub struct RecordConfig {
    /// What to sample.
    pub target: TargetConfig,
    /// Which moments.
    pub moments: Moments,
    /// Whether it is noted who ended waits.
    pub wakers: bool,
    /// The event; the best one that the machine has, where none is named.
    pub event: Option<EventSpec>,
    /// How often.
    pub rate: Rate,
    /// Only these CPUs, where any are named.
    pub cpus: Vec<u16>,
    /// Only this user's tasks.
    pub uid: Option<u32>,
    /// Only tasks of a matching name.
    pub comm: Option<Regex>,
    /// Whether children and later threads are sampled.
    pub inherit: bool,
    /// User frames kept.
    pub max_depth: u32,
    /// Whether kernel frames are taken.
    pub kernel_frames: bool,
    /// Whether reads may sleep.
    pub sleep: bool,
    /// When to stop.
    pub duration: Option<Duration>,
    /// How long to wait first.
    pub delay: Option<Duration>,
    /// What is named.
    pub naming: Naming,
    /// Whether servers are asked for debug files.
    pub debuginfod: bool,
    /// What to write.
    pub outputs: Vec<OutputConfig>,
    /// How to write it.
    pub format_options: Options,
    /// Whether a browser is to show it.
    pub open: bool,
    /// Where to write the counts.
    pub stats: Option<Destination>,
}

/// What is named when sampling has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Every frame.
    Everything,
    /// No frame: whoever reads the recording does it.
    Nothing,
}

/// What to sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetConfig {
    /// All threads of these processes.
    Processes(Vec<Pid>),
    /// These threads.
    Threads(Vec<Tid>),
    /// A cgroup and those below it: a directory, or what a container's id begins with.
    Cgroup(OsString),
    /// Everything.
    All,
    /// A command to run.
    Command {
        /// Program and arguments.
        arguments: Vec<OsString>,
        /// Whether it stays root under sudo.
        as_root: bool,
    },
}

impl RecordConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Record, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        check_distinct(typed.output.iter().chain(&typed.stats))?;
        Ok(Self {
            moments: moments(&typed),
            wakers: wakers(&typed)?,
            event: typed.event.as_deref().map(EventSpec::parse).transpose()?,
            rate: rate(&typed)?,
            cpus: typed
                .cpu
                .as_deref()
                .map_or(Ok(Vec::new()), |list| cpus::parse_list(list, abi::MAX_CPUS))?,
            uid: typed
                .uid
                .as_deref()
                .map(|user| {
                    user_id(user).ok_or_else(|| Error::usage(format!("unknown user `{user}`")))
                })
                .transpose()?,
            comm: filters::expression("--comm", typed.comm.as_deref())?,
            inherit: !typed.no_inherit,
            max_depth: max_depth(typed.max_depth)?,
            kernel_frames: !typed.no_kernel,
            sleep: !typed.no_fault,
            duration: typed.duration,
            delay: typed.delay,
            naming: if typed.no_symbols {
                Naming::Nothing
            } else {
                Naming::Everything
            },
            debuginfod: typed.debuginfod,
            outputs: outputs(&typed.output, typed.format, typed.format_options.open)?,
            open: typed.format_options.open,
            format_options: format_options::options(typed.format_options.clone())?,
            stats: typed.stats.as_deref().map(destination),
            target: target(typed)?,
        })
    }
}

fn target(typed: Record) -> Result<TargetConfig> {
    if typed.as_root && typed.command.is_empty() {
        return Err(Error::usage("--as-root needs a COMMAND"));
    }
    if typed.pid.contains(&0) || typed.tid.contains(&0) {
        return Err(Error::usage("0 is not a process"));
    }
    Ok(if typed.all {
        TargetConfig::All
    } else if let Some(cgroup) = typed.cgroup {
        TargetConfig::Cgroup(cgroup)
    } else if !typed.pid.is_empty() {
        TargetConfig::Processes(distinct(typed.pid).map(Pid).collect())
    } else if !typed.tid.is_empty() {
        TargetConfig::Threads(distinct(typed.tid).map(Tid).collect())
    } else {
        TargetConfig::Command {
            arguments: typed.command,
            as_root: typed.as_root,
        }
    })
}

/// Each id once, in order.
fn distinct(mut ids: Vec<u32>) -> impl Iterator<Item = u32> {
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
}

fn rate(typed: &Record) -> Result<Rate> {
    let positive = |value: u64, option: &str| {
        NonZeroU64::new(value).ok_or_else(|| Error::usage(format!("{option} must be above 0")))
    };
    Ok(match (typed.freq, typed.period) {
        (_, Some(period)) => Rate::Period(positive(period, "--period")?),
        (Some(frequency), None) => Rate::Frequency(positive(frequency, "--freq")?),
        (None, None) => Rate::Frequency(FREQUENCY),
    })
}

fn moments(typed: &Record) -> Moments {
    match (typed.off_cpu, typed.wall) {
        (Some(min), _) => Moments::OffCpu(min),
        (None, Some(min)) => Moments::Wall(min),
        (None, None) => Moments::OnCpu,
    }
}

fn wakers(typed: &Record) -> Result<bool> {
    if typed.wakers && typed.off_cpu.is_none() && typed.wall.is_none() {
        return Err(Error::usage("--wakers needs --off-cpu or --wall"));
    }
    Ok(typed.wakers)
}

fn max_depth(typed: Option<u32>) -> Result<u32> {
    let depth = typed.unwrap_or(MAX_DEPTH);
    if depth == 0 || depth > abi::MAX_DEPTH {
        return Err(Error::usage(format!(
            "--max-depth must be from 1 to {}",
            abi::MAX_DEPTH
        )));
    }
    Ok(depth)
}

#[cfg(test)]
mod tests {
    use super::output::OutputFormat;
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::export::Format;
    use clap::Parser as _;

    fn config(arguments: &[&str]) -> Result<RecordConfig> {
        let cli = Cli::try_parse_from(["somno", "record"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        let Command::Record(typed) = cli.command else {
            unreachable!("it is record")
        };
        RecordConfig::new(*typed, |name| name.parse().ok())
    }

    /// Check the defaults.
    #[test]
    fn defaults() {
        let config = config(&["--", "true", "-x"]).expect("it is valid");
        assert_eq!(config.rate, Rate::Frequency(FREQUENCY));
        assert_eq!(config.max_depth, 512);
        assert!(config.inherit && config.kernel_frames && config.sleep);
        assert_eq!(
            config.target,
            TargetConfig::Command {
                arguments: vec!["true".into(), "-x".into()],
                as_root: false
            }
        );
        assert_eq!(config.outputs.len(), 1);
    }

    /// Check that extensions give formats, and --format wins.
    #[test]
    fn formats() {
        for (arguments, format) in [
            (&["-o", "a.somno"][..], OutputFormat::Recording),
            (&["-o", "a.svg"], OutputFormat::Profile(Format::Svg)),
            (&["-o", "a.b.folded"], OutputFormat::Profile(Format::Folded)),
            (&["-o", "a.txt"], OutputFormat::Profile(Format::Folded)),
            (&["-o", "-"], OutputFormat::Profile(Format::Folded)),
            (
                &["-o", "a.svg", "--format", "folded"],
                OutputFormat::Profile(Format::Folded),
            ),
        ] {
            let arguments: Vec<_> = arguments.iter().copied().chain(["-a"]).collect();
            assert_eq!(config(&arguments).expect("valid").outputs[0].format, format);
        }
    }

    /// Check that waits have a shortest length, given or not.
    #[test]
    fn moments_are_chosen() {
        let micros = Duration::from_micros;
        for (arguments, moments) in [
            (&["-a"][..], Moments::OnCpu),
            (&["--off-cpu", "-a"], Moments::OffCpu(micros(100))),
            (&["--off-cpu", "1ms", "-a"], Moments::OffCpu(micros(1000))),
            (&["--off-cpu=0", "-a"], Moments::OffCpu(micros(0))),
            (&["--wall", "-F", "99", "-a"], Moments::Wall(micros(100))),
            (&["--wall", "--", "true"], Moments::Wall(micros(100))),
        ] {
            let config = config(arguments).expect("valid");
            assert_eq!(config.moments, moments, "{arguments:?}");
        }
    }

    /// Check that what cannot be meant is refused with exit status 2.
    #[test]
    fn refusals() {
        for arguments in [
            &[][..],
            &["-a", "-p", "1"],
            &["-a", "-F", "0"],
            &["-a", "-F", "1", "-c", "1"],
            &["-a", "-c", "0"],
            &["-a", "-e", "nonsense"],
            &["-a", "--comm", "("],
            &["-a", "-u", "nobody-of-this-name"],
            &["-a", "-C", "9-1"],
            &["-a", "--max-depth", "0"],
            &["-a", "--max-depth", "1025"],
            &["-a", "-o", "a.xyz"],
            &["-a", "-o", "a.svg", "-o", "a.svg"],
            &["-a", "-o", "-", "--stats", "-"],
            &["-a", "-d", "soon"],
            &["-a", "--as-root"],
            &["-a", "--off-cpu", "--wall"],
            &["-a", "--off-cpu", "-F", "99"],
            &["-a", "--off-cpu", "soon"],
            &["-a", "--wakers"],
            &["-a", "--wall", "-e", "cycles"],
            &["-p", "0"],
        ] {
            let error = config(arguments).expect_err(&format!("{arguments:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{arguments:?}");
        }
    }
}
