//! What was counted up to a moment: the difference of two is what a segment has.

use std::time::Duration;

use super::collected::Collected;
use super::sampling;
use crate::capture::Session;
use crate::capture::counted::Counted;
use crate::error::Result;
use crate::profile::totals::{Notices, Symbols, Totals};

/// Counts, and the CPU time that somno had taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    counted: Counted,
    notices: Notices,
    cpu: Duration,
}

impl Counts {
    /// Those at the beginning: nothing, but for what it took to begin.
    pub(super) fn begin() -> Self {
        Self {
            cpu: sampling::process_cpu(),
            ..Self::default()
        }
    }

    /// Takes them now.
    ///
    /// # Errors
    /// When the kernel's counters cannot be read.
    pub(super) fn take(session: &Session<'_>, collected: &Collected) -> Result<Self> {
        let counted = session.counted()?;
        Ok(Self {
            counted: Counted {
                symbols: Symbols {
                    captured: collected.captured.complete(),
                    ..counted.symbols
                },
                ..counted
            },
            notices: collected.notices,
            cpu: sampling::process_cpu(),
        })
    }

    /// What came since `before`.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            counted: self.counted.since(&before.counted),
            notices: self.notices.since(&before.notices),
            cpu: self.cpu.saturating_sub(before.cpu),
        }
    }

    /// The totals of a recording that has these.
    pub(super) fn totals(
        &self,
        collected: &Collected,
        duration: Duration,
        start_to_first_sample: Duration,
    ) -> Totals {
        Totals {
            duration,
            lost: self.counted.lost,
            steps: self.counted.steps,
            off_cpu: self.counted.off_cpu,
            nmi_cost: self.counted.nmi_cost.summary(),
            own: sampling::own(self.cpu),
            symbols: self.counted.symbols,
            modules_seen: collected.files.seen(),
            start_to_first_sample,
            notices: self.notices,
        }
    }
}
