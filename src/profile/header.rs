//! What is known of a recording before its first sample.

use std::time::Duration;

use crate::event::{Mode, Weight};
use crate::time::{Rate, Timestamp};

/// Where, when, how and of what samples were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of somno.
    pub version: String,
    /// What was typed to start it.
    pub command_line: Vec<String>,
    /// What was sampled, in a few words.
    pub target: String,
    /// How user stacks were taken.
    pub mode: Mode,
    /// The events; samples name them by position.
    pub events: Vec<EventInfo>,
    /// How often those on the CPU; some have their own.
    pub rate: Rate,
    /// The shortest interval off the CPU that is a sample, where intervals are.
    pub off_cpu_min: Option<Duration>,
    /// When sampling began, in nanoseconds since 1970.
    pub began_unix_ns: u64,
    /// The same moment on the clock of the samples.
    pub began: Timestamp,
    /// Where.
    pub machine: Machine,
}

/// The event whose weights are times on the CPU, beside the next.
pub const ON_CPU: &str = "on-cpu";
/// The event whose weights are times off the CPU.
pub const OFF_CPU: &str = "off-cpu";

/// An event that was sampled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// Its name, as typed.
    pub name: String,
    /// What its weights count.
    pub unit: Unit,
    /// How often it was sampled, where it was not as often as the first.
    pub rate: Option<Rate>,
}

/// What weights count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Samples.
    Samples,
    /// Time.
    Nanoseconds,
}

/// The machine that was sampled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// The kernel's release.
    pub kernel: String,
    /// As `uname -m` says.
    pub architecture: String,
    /// How many CPUs it has.
    pub cpus: u32,
    /// What the kernel calls this run of it, by which its addresses mean something.
    pub boot_id: String,
}

impl Header {
    /// How often, and which intervals, in words.
    #[must_use]
    pub fn rate_text(&self) -> String {
        let rate = in_words(self.rate);
        match self.off_cpu_min {
            None => rate,
            Some(min) if self.is_sampled() => format!("{rate}, waits from {min:?}"),
            Some(min) => format!("waits from {min:?}"),
        }
    }

    /// Whether anything was sampled on the CPU.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.events.iter().any(|event| event.name != OFF_CPU)
    }

    /// The names of the events, in words.
    #[must_use]
    pub fn event_names(&self) -> String {
        let names: Vec<_> = self
            .events
            .iter()
            .map(|event| event.name.as_str())
            .collect();
        names.join(", ")
    }

    /// The events, in words, and how often each.
    #[must_use]
    pub fn events_text(&self) -> String {
        let own = self.events.iter().filter_map(|event| {
            let rate = in_words(event.rate?);
            Some(format!("{} {rate}", event.name))
        });
        let of_all = [self.event_names(), self.rate_text()];
        let parts: Vec<_> = of_all.into_iter().chain(own).collect();
        parts.join(", ")
    }

    /// How often an event was sampled.
    #[must_use]
    pub fn rate_of(&self, event: usize) -> Rate {
        let own = self.events.get(event).and_then(|event| event.rate);
        own.unwrap_or(self.rate)
    }

    /// What weights of an event count; those of an unknown one are samples.
    #[must_use]
    pub fn unit(&self, event: usize) -> Unit {
        self.events
            .get(event)
            .map_or(Unit::Samples, |event| event.unit)
    }

    /// How long a weight took, where that is known: of time it is the weight itself, of
    /// samples of a clock or at a frequency so many periods.
    #[must_use]
    pub fn time(&self, event: usize, weight: Weight) -> Option<Duration> {
        let nanoseconds = match (self.unit(event), self.rate_of(event)) {
            (Unit::Nanoseconds, _) => weight.0,
            (Unit::Samples, Rate::Frequency(hertz)) => {
                let ns = u128::from(weight.0) * 1_000_000_000 / u128::from(hertz.get());
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
            (Unit::Samples, Rate::Period(_)) => return None,
        };
        Some(Duration::from_nanos(nanoseconds))
    }
}

fn in_words(rate: Rate) -> String {
    match rate {
        Rate::Frequency(hertz) => format!("{hertz} Hz"),
        Rate::Period(period) => format!("every {period}"),
    }
}
