//! Durations in logarithmic buckets: small, and exact to a part of their size.

use serde::Serialize;

/// Median, 99th percentile and sum of durations, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Half took at most this.
    pub p50: u64,
    /// All but one in a hundred took at most this.
    pub p99: u64,
    /// All together.
    pub total: u64,
}

/// Counts of durations, each power of two divided into `1 << BITS` buckets.
#[derive(Clone, Debug, Default)]
pub struct Histogram<const BITS: u32> {
    counts: Vec<u64>,
    total: u64,
}

impl<const BITS: u32> Histogram<BITS> {
    /// Takes counts and sum that were made elsewhere with the same buckets.
    #[must_use]
    pub fn from_parts(counts: Vec<u64>, total: u64) -> Self {
        Self { counts, total }
    }

    /// Adds a duration.
    pub fn add(&mut self, ns: u64) {
        let bucket = Self::bucket(ns);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += ns;
    }

    /// What was added since it was `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = before.counts.iter().copied().chain(std::iter::repeat(0));
        let counts = self.counts.iter().zip(earlier);
        Self {
            counts: counts.map(|(now, then)| now.saturating_sub(then)).collect(),
            total: self.total.saturating_sub(before.total),
        }
    }

    /// Sums it up; percentiles are the middles of their buckets.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            p50: self.percentile(50),
            p99: self.percentile(99),
            total: self.total,
        }
    }

    fn percentile(&self, percent: u64) -> u64 {
        let count: u64 = self.counts.iter().sum();
        let rank = (count * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, n) in self.counts.iter().enumerate() {
            seen += n;
            if seen >= rank && seen > 0 {
                return Self::middle(bucket);
            }
        }
        0
    }

    /// The power of two and the bits below it; bpf/stats.h does the same.
    fn bucket(ns: u64) -> usize {
        let ns_bits = 1 << BITS;
        if ns < ns_bits {
            return usize::try_from(ns).expect("it is small");
        }
        let power = ns.ilog2();
        let below = (ns >> (power - BITS)) & (ns_bits - 1);
        ((power - BITS + 1) as usize) << BITS | usize::try_from(below).expect("it is small")
    }

    fn middle(bucket: usize) -> u64 {
        let per_power = 1 << BITS;
        if bucket < per_power {
            return bucket as u64;
        }
        let shift = (bucket >> BITS) - 1;
        let first = ((per_power | (bucket & (per_power - 1))) as u64) << shift;
        first + ((1_u64 << shift) >> 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a bucket's middle is within its resolution of every duration in it.
    #[test]
    fn buckets_are_close() {
        for ns in (0..1_000_000).step_by(7) {
            let bucket = Histogram::<5>::bucket(ns);
            let middle = Histogram::<5>::middle(bucket);
            assert!(middle.abs_diff(ns) * 32 <= ns, "{ns} -> {middle}");
        }
    }

    /// Check that what was there before does not count.
    #[test]
    fn difference_is_what_came_later() {
        let mut before = Histogram::<5>::default();
        before.add(1000);
        let mut now = before.clone();
        now.add(7);
        now.add(100_000);
        let mut later = Histogram::<5>::default();
        later.add(7);
        later.add(100_000);
        assert_eq!(now.since(&before).summary(), later.summary());
    }

    /// Check median, 99th percentile and sum of a known set.
    #[test]
    fn summary_of_known_set() {
        let mut histogram = Histogram::<5>::default();
        for ns in 1..=16 {
            histogram.add(ns);
        }
        assert_eq!(
            histogram.summary(),
            Summary {
                p50: 8,
                p99: 16,
                total: 136
            }
        );
        assert_eq!(Histogram::<5>::default().summary(), Summary::default());
    }
}
