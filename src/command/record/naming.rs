//! Names what was collected, and writes the names.

use std::fs::File;
use std::io;

use super::collect::Collected;
use crate::command::Verbosity;
use crate::command::progress::Progress;
use crate::config::Naming;
use crate::profile::names::Names;
use crate::recording::writer::Writer;
use crate::symbolize::worker::name_all;

/// Names the frames of a recording that are to be named.
pub(super) fn name(
    writer: &mut Writer<File>,
    collected: &Collected,
    wanted: Naming,
    verbosity: Verbosity,
) -> io::Result<Names> {
    if wanted == Naming::Nothing {
        return Ok(Names::default());
    }
    let mut progress = Progress::new("naming frames", verbosity > Verbosity::Quiet);
    let mut written = Ok(());
    let frames = writer.take_frames();
    let names = name_all(
        &frames,
        &collected.files,
        &collected.jit_maps,
        &mut |batch| {
            progress.set(batch.done, batch.count);
            if written.is_ok() {
                written = writer.add_names(batch.named);
            }
        },
    )?;
    written?;
    Ok(names)
}
