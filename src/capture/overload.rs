//! Keeps what somno costs a CPU below a share of its time; see `bpf/overload.h`.
//!
//! The programs in the kernel are given what somno's own process leaves of the share: on the
//! average over all CPUs, since the scheduler may run it on any.

use std::time::{Duration, Instant};

/// What the programs count shares in.
const ALL: f64 = 65_536.0;
/// How often the process is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// What part of the share is always left to sampling, else a busy process would end it.
const LEAST: f64 = 0.1;

/// A bound on the cost of sampling.
#[derive(Debug)]
pub(super) struct Overload {
    /// Of one CPU's time, above 0 and at most 1.
    share: f64,
    cpus: f64,
    /// When, and what the process had taken by then.
    looked_at: Option<(Instant, Duration)>,
}

impl Overload {
    /// Makes one for a share of each of so many CPUs.
    pub(super) fn new(share: f64, cpus: usize) -> Self {
        Self {
            share,
            cpus: cpus.max(1) as f64,
            looked_at: None,
        }
    }

    /// What the programs may take at first.
    pub(super) fn begin(&self) -> u32 {
        scaled(self.share)
    }

    /// What they may take from now on, when it is time to say so again; the process took that
    /// much CPU time.
    pub(super) fn update(&mut self, now: Instant, cpu: Duration) -> Option<u32> {
        let Some((then, before)) = self.looked_at else {
            self.looked_at = Some((now, cpu));
            return None;
        };
        let elapsed = now.saturating_duration_since(then);
        if elapsed < ROUND {
            return None;
        }
        let own = cpu.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64() / self.cpus;
        self.looked_at = Some((now, cpu));
        Some(scaled((self.share - own).max(self.share * LEAST)))
    }
}

/// Never 0, which means no bound.
fn scaled(share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1"
    )]
    let scaled = (share * ALL) as u32;
    scaled.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the programs have what the process leaves, and always something.
    #[test]
    fn process_is_paid_first() {
        let mut overload = Overload::new(0.05, 2);
        let began = Instant::now();
        assert_eq!(overload.begin(), 3276);
        assert_eq!(overload.update(began, Duration::ZERO), None);
        assert_eq!(overload.update(began + ROUND / 2, Duration::ZERO), None);
        // 2 % of two CPUs
        let second = Duration::from_secs(1);
        let used = Duration::from_millis(40);
        assert_eq!(overload.update(began + second, used), Some(1966));
        let used = used + second;
        assert_eq!(overload.update(began + second * 2, used), Some(327));
        assert_eq!(overload.update(began + second * 3, used), Some(3276));
    }
}
