//! Recordings in segments.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use crate::cli::duration;

/// Shorter segments would have little beside names.
const SHORTEST: Duration = Duration::from_secs(1);

/// When a segment ends, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long a segment is.
    pub every: Duration,
    /// How many are kept, the one that is written included; all, where that is not said.
    pub keep: Option<NonZeroUsize>,
}

/// What is wrong with a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl FromStr for Rotation {
    type Err = Wrong;

    /// Reads `TIME` or `TIME:N`.
    fn from_str(text: &str) -> Result<Self, Wrong> {
        let (every, keep) = match text.split_once(':') {
            Some((every, keep)) => (every, Some(keep)),
            None => (text, None),
        };
        let every = duration::parse(every).map_err(Wrong)?;
        if every < SHORTEST {
            return Err(Wrong("a segment takes at least 1s".into()));
        }
        let keep = keep.map(str::parse).transpose();
        let keep = keep.map_err(|_| Wrong("expected how many to keep behind the colon".into()))?;
        Ok(Self { every, keep })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the number may be left out, and neither part may be nothing.
    #[test]
    fn rotations_are_understood() {
        let minute = Duration::from_secs(60);
        for (text, every, keep) in [
            ("60s", minute, None),
            ("1m:10", minute, NonZeroUsize::new(10)),
            ("1:1", SHORTEST, NonZeroUsize::new(1)),
        ] {
            assert_eq!(text.parse(), Ok(Rotation { every, keep }), "{text}");
        }
        for text in ["", ":", "60s:", ":3", "60s:0", "60s:x", "10ms:3", "0"] {
            assert!(text.parse::<Rotation>().is_err(), "{text}");
        }
    }
}
