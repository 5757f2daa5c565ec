//! Takes events as they come, and writes them.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use super::rotate::Rotator;
use super::storage::Storage;
use crate::capture::Session;
use crate::command::collected::Collected;
use crate::command::sampling::Sink;
use crate::command::target::End;
use crate::command::{complain, now};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{Cookie, ModuleId};
use crate::recording::writer::Writer;
use crate::stitch::Stitcher;

/// How often to drop halves whose other half was lost.
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// A file that events are written to.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) storage: Storage,
    pub(super) writer: Writer<File>,
}

impl Segment {
    /// Leaves what is whole of it where it is; tells whether it can be read.
    pub(super) fn leave(mut self) -> bool {
        // what cannot be written any more is not whole
        let _ = self.writer.flush();
        self.storage.leave(self.writer.bytes())
    }
}

/// The middle of the pipeline: events in, a recording out, maybe in segments.
#[derive(Debug)]
pub(super) struct Collector {
    segment: Segment,
    rotator: Option<Rotator>,
    failed: Option<Failed>,
    stitcher: Stitcher,
    collected: Collected,
    forgot_at: Instant,
}

/// Why nothing more can be written.
#[derive(Debug)]
pub(super) enum Failed {
    /// The file that is open takes no more.
    Write(io::Error),
    /// The next one cannot be begun.
    Open(Error),
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) segment: Segment,
    pub(super) rotator: Option<Rotator>,
    pub(super) failed: Option<Failed>,
    pub(super) collected: Collected,
}

impl Collector {
    /// Makes one for a recording that this user asked for.
    pub(super) fn new(segment: Segment, rotator: Option<Rotator>, caller: Option<u32>) -> Self {
        Self {
            segment,
            rotator,
            failed: None,
            stitcher: Stitcher::new(),
            collected: Collected::new(caller),
            forgot_at: Instant::now(),
        }
    }

    /// Begins no more segments.
    pub(super) fn end_rotation(&mut self) {
        self.rotator.iter_mut().for_each(Rotator::end_rotation);
    }

    /// What is known beside the samples.
    pub(super) fn collected(&self) -> &Collected {
        &self.collected
    }

    /// Ends collecting.
    pub(super) fn finish(mut self, pending: &HashSet<Cookie>) -> Ended {
        let collected = &mut self.collected;
        self.stitcher
            .finish(pending, &mut |sample| collected.tally.add_sample(&sample));
        collected.finish();
        if let Some(rotator) = &mut self.rotator {
            rotator.finish(collected, pending);
        }
        Ended {
            segment: self.segment,
            rotator: self.rotator,
            failed: self.failed,
            collected: self.collected,
        }
    }

    /// Ends collecting where sampling has failed. What was sampled stays, and can be read.
    pub(super) fn abandon(self, error: Error) -> Error {
        if let Some(rotator) = self.rotator {
            rotator.abandon();
        }
        if self.collected.tally.samples() == 0 {
            return error;
        }
        if self.segment.leave() && error.hint().is_none() {
            error.with_hint("what was sampled until then can be read")
        } else {
            error
        }
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        if let Some(rotator) = &mut self.rotator {
            rotator.see(event, &mut self.segment)?;
        }
        self.segment.writer.add(event)
    }

    /// Forgets halves that wait for others in vain: they are lost.
    fn forget(&mut self, session: &Session<'_>) {
        if self.forgot_at.elapsed() < FORGET_EVERY {
            return;
        }
        self.forgot_at = Instant::now();
        let tally = &mut self.collected.tally;
        let mut sink = |sample| tally.add_sample(&sample);
        self.stitcher.forget_released(&session.pending(), &mut sink);
        self.stitcher.keep_within_bounds(&mut sink);
    }

    fn rotate(&mut self, session: &Session<'_>) -> Result<()> {
        let Some(rotator) = &mut self.rotator else {
            return Ok(());
        };
        let segment = &mut self.segment;
        rotator.end_round(session, segment, &self.collected, &self.stitcher)
    }
}

impl Sink for Collector {
    fn warn(&mut self, error: &Error) {
        complain(error);
    }

    fn add(&mut self, event: Event) {
        if self.failed.is_none() {
            self.failed = self.write(&event).err().map(Failed::Write);
        }
        self.collected.take(event, &mut self.stitcher, &mut |_| {});
    }

    fn end_round(&mut self, session: &Session<'_>) {
        self.stitcher.end_round();
        self.forget(session);
        if self.failed.is_none() {
            let written = self.segment.writer.end_round(now());
            self.failed = written.err().map(Failed::Write);
        }
        if self.failed.is_none() {
            self.failed = self.rotate(session).err().map(Failed::Open);
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
        let is_over = self.rotator.as_ref().is_some_and(Rotator::has_failed);
        (is_over || self.failed.is_some()).then_some(End::Failed)
    }
}
