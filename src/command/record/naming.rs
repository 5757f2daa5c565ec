//! Names what was collected, and writes the names.

use std::fs::File;
use std::io;

use crate::command::Verbosity;
use crate::command::collected::Collected;
use crate::command::progress::Progress;
use crate::config::Naming;
use crate::profile::names::Names;
use crate::recording::writer::Writer;
use crate::symbolize::debuginfod::Debuginfod;
use crate::symbolize::worker::name_all;

/// What is to be named, and by whom.
#[derive(Debug)]
pub(super) struct Namer {
    pub(super) wanted: Naming,
    pub(super) servers: Option<Debuginfod>,
    pub(super) verbosity: Verbosity,
}

impl Namer {
    /// Names the frames of a recording.
    pub(super) fn name(
        self,
        writer: &mut Writer<File>,
        collected: &Collected,
    ) -> io::Result<Names> {
        if self.wanted == Naming::Nothing {
            return Ok(Names::default());
        }
        // Downloads have a line of their own.
        let has_bar = self.verbosity > Verbosity::Quiet && self.servers.is_none();
        let mut progress = Progress::new("naming frames", has_bar);
        let mut written = Ok(());
        let frames = writer.take_frames();
        let names = name_all(&frames, collected.known(), self.servers, &mut |batch| {
            progress.set(batch.done, batch.count);
            if written.is_ok() {
                written = writer.add_names(batch.named);
            }
        })?;
        written?;
        Ok(names)
    }
}
