//! A recording: everything that became known while sampling.

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
    /// From after the last sample.
    pub totals: Totals,
}
