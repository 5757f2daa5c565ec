//! What the kernel side counts.

use crate::bpf::abi::Stats;
use crate::profile::histogram::Histogram;
use crate::profile::totals::{Lost, OffCpu, Steps, Symbols};

/// What the kernel side counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// What was lost.
    pub lost: Lost,
    /// How frames were found.
    pub steps: Steps,
    /// What the interrupts cost.
    pub nmi_cost: Histogram<3>,
    /// Intervals off the CPU that are no samples.
    pub off_cpu: OffCpu,
    /// What was read of symbols; whether it is whole, user space knows.
    pub symbols: Symbols,
}

impl Counted {
    /// Takes what the programs counted, and what the kernel held back.
    pub(super) fn new(counters: &Stats, throttled: u64) -> Self {
        let nmi_cost = counters.nmi_cost.to_vec();
        Self {
            lost: Lost {
                kernel_ring: counters.kernel_ring_full,
                user_ring: counters.user_ring_full,
                slots: counters.no_slot + counters.no_workspace,
                schedule: counters.not_scheduled,
                shed: counters.shed,
                throttled,
                notices: counters.notices_lost,
                modules: counters.modules_full + counters.module_ring_full,
            },
            steps: Steps {
                cfi: counters.frames_cfi,
                frame_pointer: counters.frames_frame_pointer,
                rule_cached: counters.rules_cached,
                rule_found: counters.rules_found,
            },
            nmi_cost: Histogram::from_parts(nmi_cost, counters.nmi_cost_ns),
            off_cpu: OffCpu {
                short_count: counters.off_cpu_short,
                short_ns: counters.off_cpu_short_ns,
                untracked: counters.off_cpu_untracked,
            },
            symbols: Symbols {
                captured: 0,
                cut: counters.symbols_cut,
                bytes: counters.symbol_bytes,
                delayed: counters.symbols_delayed,
            },
        }
    }

    /// What was counted since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            lost: self.lost.since(&before.lost),
            steps: self.steps.since(&before.steps),
            nmi_cost: self.nmi_cost.since(&before.nmi_cost),
            off_cpu: self.off_cpu.since(&before.off_cpu),
            symbols: self.symbols.since(&before.symbols),
        }
    }
}
