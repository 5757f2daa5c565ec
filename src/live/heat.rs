//! How much was sampled in each fiftieth of each second.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// Cells of a second.
pub const CELLS: usize = 50;
/// How long a cell is.
pub const CELL: Duration = Duration::from_millis(1000 / CELLS as u64);

const SECOND: u64 = 1_000_000_000;

/// Sums of weights, second by second.
#[derive(Debug)]
pub struct Heat {
    began: Timestamp,
    /// The second since the beginning that is the first here.
    first: usize,
    seconds: VecDeque<[f32; CELLS]>,
    most: usize,
}

impl Heat {
    /// Makes one that begins then and keeps so many seconds.
    #[must_use]
    pub fn new(began: Timestamp, most: usize) -> Self {
        Self {
            began,
            first: 0,
            seconds: VecDeque::new(),
            most,
        }
    }

    /// Takes a sample.
    pub fn add(&mut self, time: Timestamp, weight: u64) {
        let since = time.0.saturating_sub(self.began.0);
        let second = usize::try_from(since / SECOND).unwrap_or(usize::MAX);
        // A clock that jumps by days is none; it would make as many cells.
        let furthest = self.first + self.seconds.len() + 100_000;
        let Some(at) = second.min(furthest).checked_sub(self.first) else {
            return;
        };
        if at >= self.seconds.len() {
            self.seconds.resize(at + 1, [0.0; CELLS]);
        }
        let cell = usize::try_from(since % SECOND / (SECOND / CELLS as u64)).unwrap_or(0);
        self.seconds[at][cell] += weight as f32;
        while self.seconds.len() > self.most {
            self.seconds.pop_front();
            self.first += 1;
        }
    }

    /// The seconds since the beginning that are here: the first, and the one behind the last.
    #[must_use]
    pub fn seconds(&self) -> (usize, usize) {
        (self.first, self.first + self.seconds.len())
    }

    /// The sum over cells of a second since the beginning; 0 where there is none.
    #[must_use]
    pub fn sum(&self, second: usize, cells: std::ops::Range<usize>) -> f32 {
        let at = second.checked_sub(self.first);
        let second = at.and_then(|at| self.seconds.get(at));
        second.map_or(0.0, |second| second[cells].iter().sum())
    }

    /// When a cell begins.
    #[must_use]
    pub fn time(&self, second: usize, cell: usize) -> Timestamp {
        let cell_ns = SECOND / CELLS as u64;
        Timestamp(self.began.0 + second as u64 * SECOND + cell as u64 * cell_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that samples are counted in their cells, and what is too old or mad is not.
    #[test]
    fn samples_have_cells() {
        let mut heat = Heat::new(Timestamp(SECOND), 3600);
        heat.add(Timestamp(SECOND), 1);
        heat.add(Timestamp(3 * SECOND - 1), 2);
        heat.add(Timestamp(0), 4);
        assert_eq!(heat.seconds(), (0, 2));
        assert!((heat.sum(0, 0..CELLS) - 5.0).abs() < 0.01);
        assert!((heat.sum(1, CELLS - 1..CELLS) - 2.0).abs() < 0.01);
        assert!(heat.sum(7, 0..CELLS).abs() < 0.01);
        heat.add(Timestamp(4000 * SECOND), 1);
        heat.add(Timestamp(u64::MAX), 1);
        assert!(heat.seconds().1 - heat.seconds().0 <= 3600);
        assert_eq!(heat.time(1, 1), Timestamp(2 * SECOND + 20_000_000));
    }
}
