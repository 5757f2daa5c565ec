//! How much each thread was sampled lately.

use crate::time::Timestamp;

/// Bins that are kept of each thread.
pub const BINS: usize = 60;

/// Sums of weights of one thread.
#[derive(Clone, Debug)]
struct Bins {
    /// The number of the latest bin.
    last: u64,
    sums: [f32; BINS],
}

/// Sums of weights of every thread, by its number.
#[derive(Debug)]
pub struct Activity {
    began: Timestamp,
    /// How long a bin is, in nanoseconds.
    bin: u64,
    threads: Vec<Bins>,
}

impl Activity {
    /// Makes one with bins of so many nanoseconds.
    #[must_use]
    pub fn new(began: Timestamp, bin: u64) -> Self {
        Self {
            began,
            bin: bin.max(1),
            threads: Vec::new(),
        }
    }

    /// Takes a sample of a thread.
    pub fn add(&mut self, thread: usize, time: Timestamp, weight: u64) {
        let number = self.number(time);
        if thread >= self.threads.len() {
            let empty = Bins {
                last: 0,
                sums: [0.0; BINS],
            };
            self.threads.resize(thread + 1, empty);
        }
        let bins = &mut self.threads[thread];
        bins.advance(number);
        if bins.last - number < BINS as u64 {
            bins.sums[position(number)] += weight as f32;
        }
    }

    /// The sums of a thread until then, the earliest first.
    #[must_use]
    pub fn of(&self, thread: usize, now: Timestamp) -> [f32; BINS] {
        let last = self.number(now);
        let mut sums = [0.0; BINS];
        let Some(bins) = self.threads.get(thread) else {
            return sums;
        };
        for (back, sum) in sums.iter_mut().rev().enumerate() {
            let Some(number) = last.checked_sub(back as u64) else {
                break;
            };
            if number <= bins.last && bins.last - number < BINS as u64 {
                *sum = bins.sums[position(number)];
            }
        }
        sums
    }

    /// Gives threads other numbers; those without one are forgotten.
    pub fn renumber(&mut self, number: impl Fn(usize) -> Option<usize>) {
        let mut threads = Vec::new();
        for (old, bins) in std::mem::take(&mut self.threads).into_iter().enumerate() {
            let Some(new) = number(old) else { continue };
            if new >= threads.len() {
                let empty = Bins {
                    last: 0,
                    sums: [0.0; BINS],
                };
                threads.resize(new + 1, empty);
            }
            threads[new] = bins;
        }
        self.threads = threads;
    }

    fn number(&self, time: Timestamp) -> u64 {
        time.0.saturating_sub(self.began.0) / self.bin
    }
}

impl Bins {
    /// Empties the bins up to a later one.
    fn advance(&mut self, to: u64) {
        let Some(ahead) = to.checked_sub(self.last) else {
            return;
        };
        for back in 0..ahead.min(BINS as u64) {
            self.sums[position(to - back)] = 0.0;
        }
        self.last = to;
    }
}

fn position(number: u64) -> usize {
    usize::try_from(number % BINS as u64).expect("it is small")
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of small integers are exact")]
mod tests {
    use super::*;

    /// Check that sums are in their bins, and old ones are forgotten.
    #[test]
    fn bins_go_round() {
        let mut activity = Activity::new(Timestamp(0), 10);
        for (time, weight) in [(5, 1), (15, 2), (12, 4), (599, 8)] {
            activity.add(0, Timestamp(time), weight);
        }
        let sums = activity.of(0, Timestamp(599));
        assert_eq!((sums[0], sums[1], sums[59]), (1.0, 6.0, 8.0));
        activity.add(0, Timestamp(605), 3);
        activity.add(0, Timestamp(1), 100);
        let sums = activity.of(0, Timestamp(605));
        assert_eq!((sums[0], sums[58], sums[59]), (6.0, 8.0, 3.0));
        let later = activity.of(0, Timestamp(620));
        assert_eq!((later[57], later[59]), (3.0, 0.0));
        assert_eq!(activity.of(1, Timestamp(0)), [0.0; BINS]);
    }
}
