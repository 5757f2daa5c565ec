//! Sums of weights of which half is gone after a while.

use std::time::Duration;

use crate::time::Timestamp;

/// After this time a sample counts half.
pub const HALF_LIFE: Duration = Duration::from_secs(10);
/// Half lives after which the sums are made small again.
const HALF_LIVES_MAX: f64 = 64.0;

/// Sums that grow instead of decaying: what is added later counts for more, and whoever
/// reads divides by what one sample counts for now.
#[derive(Debug)]
pub struct Decaying {
    /// When one sample counted for one.
    origin: Timestamp,
    sums: Vec<f64>,
}

impl Decaying {
    /// Makes one without sums.
    #[must_use]
    pub fn new(origin: Timestamp) -> Self {
        Self {
            origin,
            sums: Vec::new(),
        }
    }

    /// What a weight of then counts for in the sums.
    #[must_use]
    pub fn grown(&self, time: Timestamp, weight: u64) -> f64 {
        weight as f64 * self.half_lives(time).exp2()
    }

    /// What to multiply a sum with to know what it is then.
    #[must_use]
    pub fn factor(&self, now: Timestamp) -> f64 {
        (-self.half_lives(now)).exp2()
    }

    /// The sums, by position.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// Makes the sums small again if that is due; tells what they were multiplied with.
    pub fn shrink(&mut self, now: Timestamp) -> Option<f64> {
        if self.half_lives(now) < HALF_LIVES_MAX {
            return None;
        }
        let factor = self.factor(now);
        self.origin = now;
        self.sums.iter_mut().for_each(|sum| *sum *= factor);
        Some(factor)
    }

    pub(super) fn add(&mut self, position: usize, time: Timestamp, weight: u64) {
        if position >= self.sums.len() {
            self.sums.resize(position + 1, 0.0);
        }
        self.sums[position] += self.grown(time, weight);
    }

    pub(super) fn replace(&mut self, sums: Vec<f64>) {
        self.sums = sums;
    }

    fn half_lives(&self, time: Timestamp) -> f64 {
        let since = time.0 as f64 - self.origin.0 as f64;
        (since / HALF_LIFE.as_nanos() as f64).clamp(-1000.0, 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that half is gone after a half life, before and after sums were made small.
    #[test]
    fn sums_decay() {
        let at = |half_lives: u64| Timestamp(half_lives * 10_000_000_000);
        let mut decaying = Decaying::new(at(0));
        decaying.add(0, at(0), 8);
        decaying.add(0, at(1), 4);
        let now = |decaying: &Decaying, time| decaying.sums()[0] * decaying.factor(time);
        assert!((now(&decaying, at(1)) - 8.0).abs() < 1e-9);
        assert!((now(&decaying, at(2)) - 4.0).abs() < 1e-9);
        assert_eq!(decaying.shrink(at(2)), None);
        decaying.add(0, at(70), 1024);
        assert!(decaying.shrink(at(70)).is_some());
        assert!((now(&decaying, at(71)) - 512.0).abs() < 1e-9);
    }
}
