//! The latest samples, one by one, in order of time.

use std::collections::VecDeque;

use super::store::{FrameNumber, KeyId};
use crate::time::Timestamp;

/// A sample.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// When it was taken.
    pub time: Timestamp,
    /// How many samples, or nanoseconds, it stands for.
    pub weight: u64,
    /// Its thread, CPU and stack.
    pub key: KeyId,
    /// Where exactly its leaf was.
    pub leaf: FrameNumber,
}

/// The latest samples.
#[derive(Debug)]
pub struct History {
    rows: VecDeque<Row>,
    most: usize,
    /// Samples that are no longer here.
    dropped: u64,
}

impl History {
    /// Makes an empty one for so many samples at most.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            most,
            dropped: 0,
        }
    }

    /// Takes samples in any order; most come nearly in order of time.
    pub fn extend(&mut self, new: &[Row]) {
        let Some(earliest) = new.iter().map(|row| row.time).min() else {
            return;
        };
        let from = self.position(earliest);
        // In place it would take the rows in one piece, which moves all of them.
        let mut latest: Vec<_> = self.rows.drain(from..).collect();
        latest.extend(new);
        latest.sort_by_key(|row| row.time);
        self.rows.extend(latest);
    }

    /// Drops what is too much, oldest first, when so many come; what is dropped is returned.
    #[must_use]
    pub fn make_room(&mut self, coming: usize) -> Vec<Row> {
        let excess = (self.rows.len() + coming).saturating_sub(self.most);
        let excess = excess.min(self.rows.len());
        self.dropped += excess as u64;
        self.rows.drain(..excess).collect()
    }

    /// Drops so many samples, oldest first.
    pub fn drop_oldest(&mut self, count: usize) {
        self.dropped += count as u64;
        self.rows.drain(..count);
    }

    /// Samples from a moment on, before another.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Row> {
        let from = self.position(from);
        let to = self.position(to).max(from);
        self.rows.range(from..to)
    }

    /// Every sample.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Row> + ExactSizeIterator {
        self.rows.iter()
    }

    /// Every sample, to be changed; not its time.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.iter_mut()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Since when every sample is here; none when all of them are.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        let first = self.rows.front().filter(|_| self.dropped > 0)?;
        Some(first.time)
    }

    fn position(&self, time: Timestamp) -> usize {
        self.rows.partition_point(|row| row.time < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::interned::Id as _;

    fn row(time: u64) -> Row {
        Row {
            time: Timestamp(time),
            weight: 1,
            key: KeyId::at(0),
            leaf: FrameNumber::NONE,
        }
    }

    fn times<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<u64> {
        rows.into_iter().map(|row| row.time.0).collect()
    }

    /// Check that what comes late is put where it belongs, and the oldest go.
    #[test]
    fn samples_are_in_order() {
        let mut history = History::new(4);
        history.extend(&[1, 3, 2].map(row));
        history.extend(&[5, 2, 4].map(row));
        assert_eq!(times(history.iter()), [1, 2, 2, 3, 4, 5]);
        assert_eq!(
            times(history.between(Timestamp(2), Timestamp(4))),
            [2, 2, 3]
        );
        assert_eq!(times(history.between(Timestamp(4), Timestamp(2))), [0; 0]);
        assert_eq!(history.since(), None);
        assert_eq!(times(&history.make_room(1)), [1, 2, 2]);
        assert_eq!(history.since(), Some(Timestamp(3)));
    }
}
