//! A thread that names frames, with bounded queues on both sides.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::thread;
use std::time::Duration;

use super::debuginfod::Debuginfod;
use super::symbolizer::Symbolizer;
use super::work::{self, Known, Named, Work};
use crate::privileges;
use crate::profile::frames::{Frame, FrameId, FrameTable};
use crate::profile::names::Names;

/// What the thread is called.
pub const THREAD: &str = "somno-symbols";
/// How often progress is told when there is none.
const ROUND: Duration = Duration::from_millis(100);
/// Pieces of work, done or to do, that wait.
const QUEUE: usize = 64;

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
    let mut worker = Worker::start(servers)?;
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

/// The thread, which ends when this is dropped and what it is at is done.
#[derive(Debug)]
pub struct Worker {
    work: SyncSender<Work>,
    named: Receiver<Named>,
    waiting: VecDeque<Work>,
    under_way: usize,
}

impl Worker {
    /// Starts the thread, which asks servers where they are given.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn start(servers: Option<Debuginfod>) -> io::Result<Self> {
        let (work, to_do) = sync_channel::<Work>(QUEUE);
        let (done, named) = sync_channel(QUEUE);
        thread::Builder::new().name(THREAD.into()).spawn(move || {
            // less is always allowed
            let _ = privileges::keep_for_symbols();
            let mut symbolizer = Symbolizer::new(servers);
            // Either end goes when nobody wants names any more.
            for work in to_do {
                if done.send(symbolizer.name(&work)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            work,
            named,
            waiting: VecDeque::new(),
            under_way: 0,
        })
    }

    /// Hands over work; never waits.
    pub fn submit(&mut self, work: impl IntoIterator<Item = Work>) {
        self.waiting.extend(work);
        self.feed();
    }

    /// Whether something is still to be named.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.under_way > 0 || !self.waiting.is_empty()
    }

    /// Takes what was named, if anything was; never waits.
    pub fn take(&mut self) -> Option<Named> {
        self.feed();
        match self.named.try_recv() {
            Ok(named) => Some(self.taken(named)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => self.gone(),
        }
    }

    /// Takes what was named, and waits for it so long.
    pub fn wait(&mut self, at_most: Duration) -> Option<Named> {
        self.feed();
        match self.named.recv_timeout(at_most) {
            Ok(named) => Some(self.taken(named)),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => self.gone(),
        }
    }

    fn taken(&mut self, named: Named) -> Named {
        self.under_way -= 1;
        self.feed();
        named
    }

    /// The thread is gone: nothing more will be named.
    fn gone(&mut self) -> Option<Named> {
        self.waiting.clear();
        self.under_way = 0;
        None
    }

    fn feed(&mut self) {
        while let Some(work) = self.waiting.pop_front() {
            match self.work.try_send(work) {
                Ok(()) => self.under_way += 1,
                Err(TrySendError::Full(work)) => {
                    self.waiting.push_front(work);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::work::Content;
    use super::*;
    use crate::addr::FileOffset;
    use crate::id::ModuleId;
    use crate::profile::names::Unnamed;

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
        let work: Vec<_> = (0..QUEUE as u64 * 5).map(work).collect();
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
