//! A recording: everything that became known while sampling.

mod block;
mod columns;
mod convert;
mod format;
mod load;
pub mod reader;
mod tables;
#[cfg(test)]
mod tests;
pub mod writer;

pub use self::load::{read, read_from};

use crate::profile::Profile;
use crate::profile::header::Header;
use crate::profile::names::Names;
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;

/// A recording, read whole.
#[derive(Debug)]
pub struct Recording {
    /// From before the first sample.
    pub header: Header,
    /// The samples.
    pub profile: Profile,
    /// What their frames are called.
    pub names: Names,
    /// What became of them.
    pub tally: Tally,
    /// From after the last sample; of one that was cut, what its samples tell.
    pub totals: Totals,
    /// Where it ends, if it is not whole.
    pub cut: Option<Cut>,
    /// Samples beyond those that are held at a time: the tally has them, the profile has not.
    pub left_out: u64,
}

/// The end of a recording that is not whole: whoever wrote it was killed, or ran out of
/// room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that could be read.
    pub offset: u64,
}
