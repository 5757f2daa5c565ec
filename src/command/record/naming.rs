//! Names what was collected.

use super::collect::Collected;
use crate::command::Verbosity;
use crate::command::progress::Progress;
use crate::error::{Context as _, Result};
use crate::profile::header::Header;
use crate::profile::totals::Totals;
use crate::recording::Recording;
use crate::symbolize::worker::name_all;

/// Names every frame and puts the recording together.
pub(super) fn name(
    header: Header,
    collected: Collected,
    totals: Totals,
    verbosity: Verbosity,
) -> Result<Recording> {
    let mut progress = Progress::new("naming frames", verbosity > Verbosity::Quiet);
    let names = name_all(
        collected.profile.frames(),
        &collected.files,
        &collected.jit_maps,
        &mut |done, count| progress.set(done, count),
    )
    .context(|| "start a thread for symbols".into())?;
    Ok(Recording {
        header,
        profile: collected.profile,
        names,
        tally: collected.tally,
        totals,
    })
}
