//! What is sampled, and how.

use std::fs;
use std::time::Duration;

use regex::Regex;
use rustix::process::{geteuid, getuid};

use super::event_name::{EventSpec, Point, Selector};
use super::kernel;
use super::perf::Start;
use crate::bpf::configuration::{Configuration, OffCpu, PointKind, PointRate, Purpose};
use crate::error::{Error, Result};
use crate::event::Mode;
use crate::id::CgroupId;
use crate::proc::cpus;
use crate::time::Rate;

/// Bytes that wait for the reader, for each CPU: some 4,000 samples.
const KERNEL_RING_BYTES: u32 = 1024 * 1024;
/// Bytes of user halves that wait for the reader: some 20,000.
const USER_RING_BYTES: u32 = 4 * 1024 * 1024;

/// Which moments of a task are samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    /// Those on a CPU, counted.
    OnCpu,
    /// Intervals off it of at least this length, in nanoseconds.
    OffCpu(Duration),
    /// Both, in nanoseconds.
    Wall(Duration),
    /// One: that of [`super::Session::dump`].
    Now,
}

impl Moments {
    /// The shortest interval off the CPU that is a sample, where intervals are.
    #[must_use]
    pub fn off_cpu_min(self) -> Option<Duration> {
        match self {
            Self::OnCpu | Self::Now => None,
            Self::OffCpu(min) | Self::Wall(min) => Some(min),
        }
    }

    /// Whether there are samples on the CPU.
    #[must_use]
    pub fn are_on_cpu(self) -> bool {
        matches!(self, Self::OnCpu | Self::Wall(_))
    }
}

/// An event that is sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// Which.
    pub event: EventSpec,
    /// How often.
    pub rate: Rate,
}

impl Sampled {
    /// Of a clock, after how many nanoseconds it fires.
    fn clock_period_ns(&self) -> u64 {
        self.rate.clock_period_ns()
    }
}

/// How a session samples.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which moments.
    pub moments: Moments,
    /// Whether it is noted who ended intervals off the CPU.
    pub wakers: bool,
    /// Which events, on the CPU.
    pub events: Vec<Sampled>,
    /// User frames kept.
    pub max_depth: u32,
    /// Whether kernel frames are taken.
    pub kernel_frames: bool,
    /// Whether reads may sleep.
    pub sleep: bool,
    /// Whether children and later threads are sampled.
    pub inherit: bool,
    /// Whether samples that are taken in an NMI are marked; to find out how takes a moment.
    pub mark_nmi: bool,
    /// What share of a CPU's time somno may take, above 0 and at most 1, where that is bounded.
    pub max_overhead: Option<f64>,
    /// Variables of the environment that samples are labelled with.
    pub variables: Vec<String>,
    /// Only these CPUs, where any are named.
    pub cpus: Vec<u16>,
    /// Only this user's tasks.
    pub uid: Option<u32>,
    /// Only tasks in this cgroup or below it.
    pub cgroup: Option<CgroupId>,
    /// Only tasks whose name matches.
    pub comm: Option<Regex>,
    /// Whether a command starts to be sampled when it executes, or by [`super::Session::enable`].
    pub start: Start,
}

impl Options {
    /// The events that are places, with what the programs need to know of them.
    pub(super) fn points(&self) -> impl Iterator<Item = (&Sampled, PointRate)> {
        (0..).zip(&self.events).filter_map(|(event, sampled)| {
            let kind = match &sampled.event.selector {
                Selector::Point(Point::Tracepoint { .. }) => PointKind::Tracepoint,
                Selector::Point(Point::Uprobe { .. }) => PointKind::Uprobe,
                _ => return None,
            };
            let rate = sampled.rate;
            Some((sampled, PointRate { event, kind, rate }))
        })
    }

    /// What of it no interrupt can sample.
    pub(super) fn deferred_only(&self) -> Option<String> {
        match self.moments {
            Moments::Now => Some("look at tasks that wait".into()),
            Moments::OffCpu(_) | Moments::Wall(_) => Some("sample off the CPU".into()),
            Moments::OnCpu => match self.points().next() {
                Some((sampled, _)) => Some(format!("sample `{}`", sampled.event.name)),
                None if self.variables.is_empty() => None,
                None => Some("read variables of the environment".into()),
            },
        }
    }

    /// What the programs are told of it; of everything, if that is what is sampled.
    ///
    /// # Errors
    /// When the machine does not say how many CPUs it has, or what its kernel can do.
    pub(super) fn configuration(&self, mode: Mode, everything: bool) -> Result<Configuration> {
        let possible = cpus::possible(u16::MAX)?;
        Ok(Configuration {
            purpose: match self.moments {
                Moments::Now => Purpose::Dumping,
                _ => Purpose::Sampling,
            },
            interrupt_only: mode == Mode::Interrupt,
            no_fault: !self.sleep,
            no_kernel: !self.kernel_frames,
            follow_all: everything,
            file_reads: self.sleep && kernel::file_reads()?,
            inherit: self.inherit,
            uid: self.uid,
            cgroup: self.cgroup,
            cpus: self.cpus.clone(),
            max_depth: self.max_depth,
            context: self.mark_nmi.then(kernel::context_addresses).flatten(),
            cpu_count: u32::from(*possible.last().unwrap_or(&0)) + 1,
            kernel_ring_bytes: KERNEL_RING_BYTES,
            user_ring_bytes: USER_RING_BYTES,
            sample_weight: match self.moments {
                Moments::Wall(_) => self.events.first().map_or(1, Sampled::clock_period_ns),
                Moments::OnCpu | Moments::OffCpu(_) | Moments::Now => 1,
            },
            variables: self.variables.clone(),
            // who may sample everybody may not read everybody's memory
            variables_of: (!geteuid().is_root()).then(|| getuid().as_raw()),
            several_events: self.events.len() > 1,
            points: self.points().map(|(_, point)| point).collect(),
            off_cpu: self.moments.off_cpu_min().map(|min| OffCpu {
                min,
                event: self.moments.are_on_cpu().into(),
                wakers: self.wakers,
            }),
        })
    }
}

/// The kernel says no more than "invalid argument" to a rate that is too high.
pub(super) fn check_rate(rate: Rate) -> Result<()> {
    let limit = fs::read_to_string("/proc/sys/kernel/perf_event_max_sample_rate")
        .ok()
        .and_then(|limit| limit.trim().parse().ok())
        .unwrap_or(u64::MAX);
    match rate {
        Rate::Frequency(hertz) if hertz.get() > limit => Err(Error::failed(format!(
            "failed to sample at {hertz} Hz: the kernel allows up to {limit} Hz"
        ))
        .with_hint(format!(
            "`sudo sysctl kernel.perf_event_max_sample_rate={hertz}` allows it"
        ))),
        _ => Ok(()),
    }
}
