//! What to sample and how.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::time::Duration;

use regex::Regex;

use super::filters;
use crate::bpf::abi;
use crate::capture::event_name::EventSpec;
use crate::capture::options::{Moments, Sampled};
use crate::cli::sampling::Sampling;
use crate::cli::targets::{Narrowing, Targets};
use crate::error::{Error, Result};
use crate::id::{Pid, Tid};
use crate::time::Rate;

pub(super) const FREQUENCY: NonZeroU64 = NonZeroU64::new(999).expect("it is not zero");
/// User frames that are kept, where nobody says how many.
pub const MAX_DEPTH: u32 = 512;

/// Of a CPU's time, in percent.
const MAX_OVERHEAD: f64 = 5.0;

/// What to sample and how.
#[derive(Clone, Debug)]
pub struct SamplingConfig {
    /// What to sample.
    pub target: TargetConfig,
    /// Which moments.
    pub moments: Moments,
    /// Whether it is noted who ended waits.
    pub wakers: bool,
    /// The events; the best one that the machine has, where none is named.
    pub events: Vec<Sampled>,
    /// How often, where none is named.
    pub rate: Rate,
    /// Which tasks of it.
    pub narrowing: NarrowingConfig,
    /// Whether children and later threads are sampled.
    pub inherit: bool,
    /// User frames kept.
    pub max_depth: u32,
    /// Whether kernel frames are taken.
    pub kernel_frames: bool,
    /// What share of a CPU's time somno may take, above 0 and at most 1, where that is bounded.
    pub max_overhead: Option<f64>,
    /// Variables of the environment that samples are labelled with.
    pub variables: Vec<String>,
    /// Whether reads may sleep.
    pub sleep: bool,
    /// When to stop.
    pub duration: Option<Duration>,
    /// How long to wait first.
    pub delay: Option<Duration>,
}

/// Which tasks of a target.
#[derive(Clone, Debug)]
pub struct NarrowingConfig {
    /// Only on these CPUs, where any are named.
    pub cpus: Vec<u16>,
    /// Only this user's tasks.
    pub uid: Option<u32>,
    /// Only tasks of a matching name.
    pub comm: Option<Regex>,
}

impl NarrowingConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: &Narrowing, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        let uid = typed.uid.as_deref().map(|user| {
            user_id(user).ok_or_else(|| Error::usage(format!("unknown user `{user}`")))
        });
        Ok(Self {
            cpus: filters::cpus(typed.cpu.as_deref())?,
            uid: uid.transpose()?,
            comm: filters::expression("--comm", typed.comm.as_deref())?,
        })
    }

    /// Whether tasks of a target may not be wanted.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        !self.cpus.is_empty() || self.uid.is_some() || self.comm.is_some()
    }
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

impl SamplingConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Sampling, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        Ok(Self {
            moments: moments(&typed),
            wakers: wakers(&typed)?,
            events: events(&typed)?,
            rate: rate(&typed)?.unwrap_or(Rate::Frequency(FREQUENCY)),
            narrowing: NarrowingConfig::new(&typed.narrowing, user_id)?,
            inherit: !typed.no_inherit,
            max_depth: max_depth(typed.max_depth)?,
            kernel_frames: !typed.no_kernel,
            max_overhead: max_overhead(&typed),
            variables: variables(&typed.env)?,
            sleep: !typed.no_fault,
            duration: typed.duration,
            delay: typed.delay,
            target: target(typed)?,
        })
    }
}

fn target(typed: Sampling) -> Result<TargetConfig> {
    if typed.as_root && typed.command.is_empty() {
        return Err(Error::usage("--as-root needs a COMMAND"));
    }
    let named = named(&typed.targets)?;
    Ok(named.unwrap_or(TargetConfig::Command {
        arguments: typed.command,
        as_root: typed.as_root,
    }))
}

/// A target that is there already; none where none was typed.
pub(super) fn named(typed: &Targets) -> Result<Option<TargetConfig>> {
    if typed.pid.contains(&0) || typed.tid.contains(&0) {
        return Err(Error::usage("0 is not a process"));
    }
    let pids = distinct(typed.pid.clone());
    let tids = distinct(typed.tid.clone());
    Ok(if typed.all {
        Some(TargetConfig::All)
    } else if let Some(cgroup) = &typed.cgroup {
        Some(TargetConfig::Cgroup(cgroup.clone()))
    } else if !typed.pid.is_empty() {
        Some(TargetConfig::Processes(pids.map(Pid).collect()))
    } else if !typed.tid.is_empty() {
        Some(TargetConfig::Threads(tids.map(Tid).collect()))
    } else {
        None
    })
}

/// Each id once, in order.
pub(super) fn distinct(mut ids: Vec<u32>) -> impl Iterator<Item = u32> {
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
}

/// Each event once, with its own rate, or that of all, or the default.
fn events(typed: &Sampling) -> Result<Vec<Sampled>> {
    let mut events: Vec<Sampled> = Vec::new();
    let of_all = rate(typed)?;
    for name in &typed.event {
        let event = EventSpec::parse(name)?;
        if events.iter().any(|other| other.event.name == event.name) {
            let name = &event.name;
            return Err(Error::usage(format!("event `{name}` is named twice")));
        }
        let rate = event.rate.or(of_all).or(event.selector.default_rate());
        events.push(Sampled {
            rate: rate.unwrap_or(Rate::Frequency(FREQUENCY)),
            event,
        });
    }
    if events.len() > abi::EVENTS {
        let most = abi::EVENTS;
        return Err(Error::usage(format!("more than {most} events")));
    }
    Ok(events)
}

/// How often, where that was typed.
fn rate(typed: &Sampling) -> Result<Option<Rate>> {
    let positive = |value: u64, option: &str| {
        NonZeroU64::new(value).ok_or_else(|| Error::usage(format!("{option} must be above 0")))
    };
    Ok(match (typed.freq, typed.period) {
        (_, Some(period)) => Some(Rate::Period(positive(period, "--period")?)),
        (Some(frequency), None) => Some(Rate::Frequency(positive(frequency, "--freq")?)),
        (None, None) => None,
    })
}

fn moments(typed: &Sampling) -> Moments {
    match (typed.off_cpu, typed.wall) {
        (Some(min), _) => Moments::OffCpu(min),
        (None, Some(min)) => Moments::Wall(min),
        (None, None) => Moments::OnCpu,
    }
}

fn wakers(typed: &Sampling) -> Result<bool> {
    if typed.wakers && typed.off_cpu.is_none() && typed.wall.is_none() {
        return Err(Error::usage("--wakers needs --off-cpu or --wall"));
    }
    Ok(typed.wakers)
}

/// Each variable once.
fn variables(typed: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in typed {
        if name.is_empty() || name.contains(['=', '\0']) || name.len() >= abi::VARIABLE_LEN {
            return Err(
                Error::usage(format!("--env: `{name}` cannot be a variable")).with_hint(format!(
                    "a name has up to {} bytes, without `=`",
                    abi::VARIABLE_LEN - 1
                )),
            );
        }
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if names.len() > abi::VARIABLES {
        let most = abi::VARIABLES;
        return Err(Error::usage(format!("--env: more than {most} variables")));
    }
    Ok(names)
}

/// In production everything is watched at the default rate: that must not hurt.
fn max_overhead(typed: &Sampling) -> Option<f64> {
    let has_rate = typed.freq.is_some() || typed.period.is_some();
    let default = (typed.targets.all && !has_rate).then_some(MAX_OVERHEAD);
    typed
        .max_overhead
        .or(default)
        .map(|percent| percent / 100.0)
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
