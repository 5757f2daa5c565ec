//! The JSON object of `--stats`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bpf::abi;
use crate::event::Outcome;
use crate::profile::histogram::{Histogram, Summary};
use crate::profile::outcome_key;
use crate::profile::tally::Tally;
use crate::symbolize::names::Names;

/// Everything that is counted in one run; the keys are a contract.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Stats {
    pub schema: u32,
    pub version: &'static str,
    pub kernel: String,
    pub capture: &'static str,
    pub event: String,
    pub freq: u64,
    pub duration_ns: u64,
    pub samples: u64,
    pub samples_in_nmi: u64,
    pub user_halves: u64,
    pub user: BTreeMap<&'static str, u64>,
    pub kernel_only: u64,
    pub lost: Lost,
    pub reads: Reads,
    pub frames: Frames,
    pub modules: Modules,
    pub cost: Cost,
    pub start_to_first_sample_ns: u64,
    pub bytes_written: u64,
}

/// What was lost, and where.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Lost {
    pub kernel_ring: u64,
    pub user_ring: u64,
    pub slots: u64,
    pub schedule: u64,
    pub shed: u64,
    pub throttled: u64,
    pub notices: u64,
}

/// What reading user memory took.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Reads {
    pub slept: u64,
}

/// How frames were found and named.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Frames {
    pub cfi: u64,
    pub frame_pointer: u64,
    pub rule_cached: u64,
    pub rule_found: u64,
    pub named: u64,
    pub unnamed: u64,
    pub unnamed_by: BTreeMap<&'static str, u64>,
}

/// The files that code was in.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Modules {
    pub seen: u64,
    pub symbols_captured: u64,
}

/// What profiling cost.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Cost {
    pub nmi_ns: Summary,
    pub deferred_ns: Summary,
    pub own_samples: u64,
    pub user_space_cpu_ns: u64,
    pub max_rss_bytes: u64,
    pub max_anon_bytes: u64,
}

/// Every outcome with its count, zeros stated.
#[must_use]
pub fn outcomes(tally: &Tally) -> BTreeMap<&'static str, u64> {
    Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome_key(outcome), tally.outcome(outcome)))
        .collect()
}

impl Lost {
    /// Puts together what the kernel side counted and what the kernel held back.
    #[must_use]
    pub fn new(counters: &abi::Stats, throttled: u64) -> Self {
        Self {
            kernel_ring: counters.kernel_ring_full,
            user_ring: counters.user_ring_full,
            slots: counters.no_slot + counters.no_workspace,
            schedule: counters.not_scheduled,
            shed: 0,
            throttled,
            notices: counters.notice_ring_full,
        }
    }
}

impl Frames {
    /// Puts together what the kernel side and the symbolizer counted.
    #[must_use]
    pub fn new(counters: &abi::Stats, names: &Names) -> Self {
        let unnamed_by: BTreeMap<_, _> = names
            .unnamed()
            .iter()
            .map(|(reason, &count)| (reason.key(), count))
            .collect();
        Self {
            cfi: counters.frames_cfi,
            frame_pointer: counters.frames_frame_pointer,
            rule_cached: counters.rules_cached,
            rule_found: counters.rules_found,
            named: names.named(),
            unnamed: unnamed_by.values().sum(),
            unnamed_by,
        }
    }
}

/// What the interrupt halves cost, from the kernel side's buckets.
#[must_use]
pub fn nmi_cost(counters: &abi::Stats) -> Summary {
    Histogram::<3>::from_parts(counters.nmi_cost.to_vec(), counters.nmi_cost_ns).summary()
}
