//! The samples, so few that a page can hold them.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::event::Weight;

/// Samples that are written one by one. More are put together by time.
const MOST: usize = 250_000;
/// A timeline of as many parts is as fine as a screen, and the coarsest that is of use.
const PARTS: (u64, u64) = (8192, 1024);

/// A sample, or those of one stack, thread and CPU in one part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Microseconds since the beginning; of several, of the part that they were in.
    pub(super) time: u64,
    /// Whose and where.
    pub(super) key: Key,
    /// What it stands for.
    pub(super) weight: Weight,
}

/// What samples are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The page's stack.
    pub(super) stack: u32,
    /// The page's thread.
    pub(super) thread: u32,
    /// The CPU.
    pub(super) cpu: u16,
    /// The event, by its position in the header.
    pub(super) event: u8,
}

/// Puts samples, in order of time, together where there are too many, in parts of the
/// time as short as will do. Returns the parts' length too, in microseconds; 0 where
/// nothing was put together: where nearly every sample has a stack of its own, the times
/// would be lost for little.
pub(super) fn condense(samples: Vec<Sample>) -> (Vec<Sample>, u64) {
    condense_to(samples, MOST)
}

fn condense_to(samples: Vec<Sample>, most: usize) -> (Vec<Sample>, u64) {
    if samples.len() <= most {
        return (samples, 0);
    }
    let first = samples.first().map_or(0, |sample| sample.time);
    let last = samples.last().map_or(0, |sample| sample.time);
    let mut parts = PARTS.0;
    loop {
        let length = ((last - first) / parts).max(1);
        let merged = merge(&samples, first, length);
        if merged.len() <= most {
            return (merged, length);
        }
        if parts <= PARTS.1 {
            let is_worth_it = merged.len() < samples.len() / 4 * 3;
            return if is_worth_it {
                (merged, length)
            } else {
                (samples, 0)
            };
        }
        parts /= 2;
    }
}

fn merge(samples: &[Sample], first: u64, length: u64) -> Vec<Sample> {
    let part = |sample: &Sample| (sample.time - first) / length;
    let mut merged = Vec::new();
    for together in samples.chunk_by(|a, b| part(a) == part(b)) {
        let mut places: FxHashMap<Key, usize> = FxHashMap::default();
        let time = first + part(&together[0]) * length;
        for sample in together {
            let place = *places.entry(sample.key).or_insert_with(|| {
                merged.push(Sample {
                    time,
                    weight: Weight::default(),
                    ..*sample
                });
                merged.len() - 1
            });
            merged[place].weight += sample.weight;
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: u64) -> Vec<Sample> {
        let sample = |n: u64| Sample {
            time: 1000 + n * 10,
            key: Key {
                stack: u32::from(n.is_multiple_of(7)),
                thread: 0,
                cpu: 0,
                event: 0,
            },
            weight: Weight(n),
        };
        (0..count).map(sample).collect()
    }

    /// Check that few samples stay what they are.
    #[test]
    fn few_are_kept() {
        assert_eq!(condense(samples(100)), (samples(100), 0));
        assert_eq!(condense(Vec::new()), (Vec::new(), 0));
    }

    /// Check that many are put together until they are few enough, by time and by key, and
    /// that none of their weight is lost.
    #[test]
    fn many_are_put_together() {
        let all = samples(100_000);
        let (few, length) = condense_to(all.clone(), 5000);
        assert!(few.len() <= 5000, "{}", few.len());
        assert!(length > 0);
        assert!(few.is_sorted_by_key(|sample| sample.time));
        for stack in [0, 1] {
            let weight = |samples: &[Sample]| -> Weight {
                let of_stack = samples.iter().filter(|sample| sample.key.stack == stack);
                of_stack.map(|sample| sample.weight).sum()
            };
            assert_eq!(weight(&few), weight(&all));
        }
    }

    /// Check that parts do not become longer than what a timeline needs.
    #[test]
    fn timeline_keeps_its_parts() {
        let (few, _) = condense_to(samples(100_000), 1);
        assert!(few.len() >= 1024, "{}", few.len());
    }

    /// Check that samples that have little in common keep their times.
    #[test]
    fn different_samples_are_kept() {
        let mut all = samples(100_000);
        for (stack, sample) in (0..).zip(&mut all) {
            sample.key.stack = stack;
        }
        assert_eq!(condense_to(all.clone(), 5000), (all, 0));
    }
}
