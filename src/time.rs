//! Moments and rates.

use std::num::NonZeroU64;

/// A moment on `CLOCK_MONOTONIC`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// When a process started, on `CLOCK_BOOTTIME`, in nanoseconds: with its pid it names one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessStart(pub u64);

/// How often to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Samples a second.
    Frequency(NonZeroU64),
    /// One sample after so many events (nanoseconds, for a clock).
    Period(NonZeroU64),
}

impl Rate {
    /// What one sample of a clock stands for, in nanoseconds.
    #[must_use]
    pub fn clock_period_ns(self) -> u64 {
        match self {
            Self::Frequency(hertz) => 1_000_000_000 / hertz,
            Self::Period(period) => period.get(),
        }
    }
}
