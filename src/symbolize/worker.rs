//! A thread that names frames, and is not waited for where a file does not answer.

use std::io;
use std::time::Duration;

use super::debuginfod::Debuginfod;
use super::patient::{PATIENCE, Patient, Unanswered};
use super::precedence::{Precedence, lower_to};
use super::symbolizer::Symbolizer;
use super::work::{self, Known, Named, Work};
use crate::privileges;
use crate::profile::frames::{Frame, FrameId, FrameTable};
use crate::profile::names::{Names, Unnamed};

/// What the thread is called.
pub const THREAD: &str = "somno-symbols";
/// How often progress is told when there is none.
const ROUND: Duration = Duration::from_millis(100);

/// Frames that were named, and how far that is.
#[derive(Debug)]
pub struct Batch<'a> {
    /// What became of them.
    pub named: &'a Named,
    /// Frames that are done, these included.
    pub done: usize,
    /// Frames altogether.
    pub count: usize,
}

/// Names every frame of a table, and tells so as it goes on.
///
/// # Errors
/// When the kernel gives no thread.
pub fn name_all(
    frames: &FrameTable,
    known: Known<'_>,
    servers: Option<Debuginfod>,
    progress: &mut dyn FnMut(&Batch<'_>),
) -> io::Result<Names> {
    let mut names = Names::new(frames);
    name_frames(frames.iter(), known, servers, &mut |batch| {
        progress(batch);
        for (id, naming) in batch.named {
            names.set(*id, naming.clone());
        }
    })?;
    Ok(names)
}

/// Names frames, and tells so as it goes on.
///
/// # Errors
/// When the kernel gives no thread.
pub fn name_frames(
    frames: impl Iterator<Item = (FrameId, Frame)>,
    known: Known<'_>,
    servers: Option<Debuginfod>,
    sink: &mut dyn FnMut(&Batch<'_>),
) -> io::Result<()> {
    let mut worker = Worker::start_at(Precedence::Ordinary, servers)?;
    let work = work::plan(frames, known);
    let count = work.iter().map(Work::len).sum();
    let mut done = 0;
    worker.submit(work);
    while worker.is_busy() {
        let named = worker.wait(ROUND).unwrap_or_default();
        done += named.len();
        sink(&Batch {
            named: &named,
            done,
            count,
        });
    }
    Ok(())
}

/// The thread, which ends when this is dropped and what it is at is done; or another in its
/// place, where it was left behind.
#[derive(Debug)]
pub struct Worker {
    patient: Patient<Work, Named>,
}

impl Worker {
    /// Starts the thread, which asks servers where they are given, to work while others are
    /// sampled.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn start(servers: Option<Debuginfod>) -> io::Result<Self> {
        Self::start_at(Precedence::Background, servers)
    }

    fn start_at(precedence: Precedence, mut servers: Option<Debuginfod>) -> io::Result<Self> {
        // servers have their own time
        let of_servers = servers.as_ref().map(Debuginfod::patience);
        let patience = PATIENCE + of_servers.unwrap_or_default();
        let mut patient = Patient::new(THREAD, patience, move || {
            let servers = servers.take();
            Box::new(move || {
                lower_to(precedence);
                // less is always allowed
                let _ = privileges::keep_for_symbols();
                let mut symbolizer = Symbolizer::new(servers);
                Box::new(move |work| symbolizer.name(work))
            })
        });
        patient.start()?;
        Ok(Self { patient })
    }

    /// Hands over work; never waits.
    pub fn submit(&mut self, work: impl IntoIterator<Item = Work>) {
        self.patient.ask(work);
    }

    /// Whether something is still to be named.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.patient.is_busy()
    }

    /// Takes what was named, if anything was; never waits.
    pub fn take(&mut self) -> Option<Named> {
        self.wait(Duration::ZERO)
    }

    /// Takes what was named, and waits for it so long. What is in a file that cannot be read to
    /// its end has no names.
    pub fn wait(&mut self, at_most: Duration) -> Option<Named> {
        let (work, named) = self.patient.take(at_most)?;
        Some(match named {
            Ok(named) => named,
            Err(Unanswered::NotAsked) => work.unnamed(Unnamed::NotAsked),
            Err(Unanswered::GivenUp) => {
                let mut unnamed = work.unnamed(Unnamed::Unreadable);
                for other in self.patient.forget(|other| other.is_of_same_file(&work)) {
                    unnamed.extend(other.unnamed(Unnamed::Unreadable));
                }
                unnamed
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::work::Content;
    use super::*;
    use crate::addr::FileOffset;
    use crate::id::ModuleId;

    /// Check that far more than the queues hold is named, once each.
    #[test]
    fn everything_is_named_once() {
        let mut frames = FrameTable::default();
        let work = |offset| Work::File {
            module: ModuleId(7),
            base_name: "gone".into(),
            content: Content::Missing(Unnamed::NotOpened),
            frames: vec![(
                frames.intern(Frame::File(ModuleId(7), FileOffset(offset))),
                FileOffset(offset),
            )],
        };
        let work: Vec<_> = (0..320).map(work).collect();
        let mut worker = Worker::start(None).expect("there are threads");
        worker.submit(work);
        let mut seen = Vec::new();
        while worker.is_busy() {
            seen.extend(worker.wait(Duration::from_secs(10)).expect("it goes on"));
        }
        let ids: Vec<_> = seen.iter().map(|(id, _)| *id).collect();
        let expected: Vec<_> = frames.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, expected);
    }
}
