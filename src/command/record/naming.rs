//! Names what was collected, on the symbols' own thread.

use std::time::Duration;

use super::collect::Collected;
use crate::error::{Context as _, Result};
use crate::profile::header::Header;
use crate::profile::names::Names;
use crate::profile::totals::Totals;
use crate::recording::Recording;
use crate::symbolize::work;
use crate::symbolize::worker::Worker;

/// How often progress is shown.
const ROUND: Duration = Duration::from_millis(100);

/// Names every frame and puts the recording together.
pub(super) fn name(header: Header, collected: Collected, totals: Totals) -> Result<Recording> {
    let frames = collected.profile.frames();
    let mut names = Names::new(frames);
    let mut worker = Worker::start().context(|| "start a thread for symbols".into())?;
    worker.submit(work::plan(
        frames.iter(),
        &collected.files,
        &collected.jit_maps,
    ));
    while worker.is_busy() {
        for (id, naming) in worker.wait(ROUND).into_iter().flatten() {
            names.set(id, naming);
        }
    }
    Ok(Recording {
        header,
        profile: collected.profile,
        names,
        tally: collected.tally,
        totals,
    })
}
