//! Takes events as they come, and writes them.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use crate::capture::Session;
use crate::command::collected::Collected;
use crate::command::now;
use crate::command::sampling::Sink;
use crate::command::target::End;
use crate::event::Event;
use crate::id::{Cookie, ModuleId};
use crate::recording::writer::Writer;
use crate::stitch::Stitcher;

/// The middle of the pipeline: events in, a recording out.
#[derive(Debug)]
pub(super) struct Collector {
    writer: Writer<File>,
    failed: Option<io::Error>,
    stitcher: Stitcher,
    collected: Collected,
}

impl Collector {
    /// Makes one for a recording that this user asked for.
    pub(super) fn new(writer: Writer<File>, caller: Option<u32>) -> Self {
        Self {
            writer,
            failed: None,
            stitcher: Stitcher::new(),
            collected: Collected::new(caller),
        }
    }

    /// Ends collecting; tells whether everything could be written.
    pub(super) fn finish(
        mut self,
        pending: &HashSet<Cookie>,
    ) -> (Collected, Writer<File>, io::Result<()>) {
        let collected = &mut self.collected;
        self.stitcher
            .finish(pending, &mut |sample| collected.tally.add_sample(&sample));
        collected.jit_maps.finish();
        (self.collected, self.writer, self.failed.map_or(Ok(()), Err))
    }
}

impl Sink for Collector {
    fn add(&mut self, event: Event) {
        if self.failed.is_none() {
            self.failed = self.writer.add(&event).err();
        }
        self.collected.take(event, &mut self.stitcher, &mut |_| {});
    }

    fn end_round(&mut self, _session: &Session<'_>) {
        self.stitcher.end_round();
        if self.failed.is_none() {
            self.failed = self.writer.end_round(now()).err();
        }
    }

    fn is_waiting(&self) -> bool {
        self.stitcher.is_waiting()
    }

    fn take_tried(&mut self) -> Vec<(ModuleId, bool)> {
        self.collected.take_tried()
    }

    /// Nothing more can be written.
    fn over(&self) -> Option<End> {
        self.failed.as_ref().map(|_| End::Failed)
    }
}
