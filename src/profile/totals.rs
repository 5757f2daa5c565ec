//! What is known of a recording when its last sample was taken.

use std::time::Duration;

use serde::Serialize;

use super::histogram::Summary;
use crate::event::TaskChange;

/// What only whoever sampled can know: losses, costs, and how frames were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How long sampling went on.
    pub duration: Duration,
    /// What was lost.
    pub lost: Lost,
    /// How frames were found.
    pub steps: Steps,
    /// What the interrupts cost.
    pub nmi_cost: Summary,
    /// What somno itself took while it sampled.
    pub own: Own,
    /// What was captured of symbols.
    pub symbols: Symbols,
    /// Modules that were seen.
    pub modules_seen: u64,
    /// From somno's start to its first sample.
    pub start_to_first_sample: Duration,
    /// What followed processes did.
    pub notices: Notices,
    /// Intervals off the CPU that are no samples.
    pub off_cpu: OffCpu,
}

/// What was lost, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Lost {
    pub kernel_ring: u64,
    pub user_ring: u64,
    pub slots: u64,
    pub schedule: u64,
    pub shed: u64,
    pub throttled: u64,
    pub notices: u64,
    pub modules: u64,
}

/// Intervals off the CPU that were too short to be samples, and what is not known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct OffCpu {
    pub short_count: u64,
    pub short_ns: u64,
    pub untracked: u64,
}

/// What was captured of the symbols of files that could not be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    /// Modules of which everything came.
    pub captured: u64,
    /// Modules that have more than is captured.
    pub cut: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Times that there was no room for them.
    pub delayed: u64,
}

/// How the unwinder found frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// By call frame information.
    pub cfi: u64,
    /// By a frame pointer.
    pub frame_pointer: u64,
    /// Of the first, by a rule that was known.
    pub rule_cached: u64,
    /// Of the first, by a rule that had to be found.
    pub rule_found: u64,
}

/// What the user-space part took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// CPU time.
    pub cpu: Duration,
    /// Bytes resident at most.
    pub peak_resident: u64,
    /// Bytes of anonymous memory, before symbols were read.
    pub anonymous: u64,
}

/// What followed processes did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    /// Processes and threads made.
    pub forks: u64,
    /// Programs begun.
    pub execs: u64,
    /// Threads ended.
    pub exits: u64,
    /// Threads renamed.
    pub renames: u64,
}

impl Notices {
    /// Counts one.
    pub fn count(&mut self, what: TaskChange) {
        *match what {
            TaskChange::Forked(_) => &mut self.forks,
            TaskChange::Execed => &mut self.execs,
            TaskChange::Exited => &mut self.exits,
            TaskChange::Renamed => &mut self.renames,
        } += 1;
    }
}

/// What was counted between two moments.
macro_rules! since {
    ($type:ty: $($field:ident),+) => {
        impl $type {
            /// What came since `before`.
            #[must_use]
            pub fn since(&self, before: &Self) -> Self {
                Self { $($field: self.$field.saturating_sub(before.$field)),+ }
            }
        }
    };
}

since!(Lost: kernel_ring, user_ring, slots, schedule, shed, throttled, notices, modules);
since!(OffCpu: short_count, short_ns, untracked);
since!(Symbols: captured, cut, bytes, delayed);
since!(Steps: cfi, frame_pointer, rule_cached, rule_found);
since!(Notices: forks, execs, exits, renames);
