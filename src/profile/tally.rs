//! What became of the samples, and what taking them cost.

use std::collections::BTreeMap;

use crate::event::{Outcome, TaskState, UserHalf, Weight};
use crate::profile::histogram::Histogram;
use crate::stitch::{Sample, UserPart};
use crate::time::Timestamp;

/// Counts that every report shows.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Samples by how their user stack ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Samples of each event, by its position.
    pub events: BTreeMap<u8, u64>,
    /// Samples of kernel threads and idle.
    pub kernel_only: u64,
    /// Nanoseconds off the CPU by the state in which the tasks left it.
    pub off_cpu: BTreeMap<TaskState, Weight>,
    /// Samples that hit somno's own callback.
    pub own_cost: u64,
    /// Samples that were taken in a non-maskable interrupt.
    pub in_nmi: u64,
    /// User halves that callbacks sent: fewer than samples, where one served several. Those
    /// that were sent before an exit or exec, in case of samples to come, are not counted.
    pub user_halves: u64,
    /// Reads that had to fault and got their data.
    pub slept: u64,
    /// What the user halves cost.
    pub deferred_cost: Histogram<5>,
    /// When the first sample was taken.
    pub first: Option<Timestamp>,
}

impl Tally {
    /// Makes one that counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a user half.
    pub fn add_user_half(&mut self, half: &UserHalf) {
        self.user_halves += u64::from(!half.leaving);
        self.slept += u64::from(half.slept);
        self.deferred_cost.add(u64::from(half.cost_ns));
    }

    /// Counts a sample.
    pub fn add_sample<U: UserPart>(&mut self, sample: &Sample<U>) {
        match sample.outcome() {
            None => self.kernel_only += 1,
            Some(outcome) => *self.outcomes.entry(outcome).or_default() += 1,
        }
        let half = &sample.kernel_half;
        *self.events.entry(half.event).or_default() += 1;
        if half.state != TaskState::OnCpu {
            *self.off_cpu.entry(half.state).or_default() += half.weight;
        }
        self.own_cost += u64::from(half.own_cost);
        self.in_nmi += u64::from(half.in_nmi);
        self.first = Some(self.first.map_or(half.time, |first| first.min(half.time)));
    }

    /// All samples.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.kernel_only + self.outcomes.values().sum::<u64>()
    }

    /// Samples with this outcome.
    #[must_use]
    pub fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Nanoseconds off the CPU in this state.
    #[must_use]
    pub fn off_cpu(&self, state: TaskState) -> Weight {
        self.off_cpu.get(&state).copied().unwrap_or_default()
    }

    /// The share of samples with a user stack that is complete, 0 to 1; `None` without any.
    #[must_use]
    pub fn completeness(&self) -> Option<f64> {
        let with_user = self.samples() - self.kernel_only;
        (with_user > 0).then(|| self.outcome(Outcome::Complete) as f64 / with_user as f64)
    }
}
