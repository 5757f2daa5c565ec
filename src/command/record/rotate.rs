//! Ends a segment and begins the next one, while sampling goes on.
//!
//! A segment is a recording that can be read by itself. So what the samples of the new one
//! refer to and the old one has already is written again: modules when a frame of theirs is
//! met, and user halves that serve one more kernel half. The old one stays open for user
//! halves that come later, for some seconds, and then has its frames named.

use std::collections::HashSet;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::collect::Segment;
use super::segments::Segments;
use super::storage::Storage;
use crate::capture::Session;
use crate::capture::cgroup;
use crate::command::collected::Collected;
use crate::command::counts::Counts;
use crate::command::{now, sampling};
use crate::config::Naming;
use crate::config::output::Destination;
use crate::config::rotation::Rotation;
use crate::error::{Context as _, Error, Result};
use crate::event::{Event, Promise, UserHalf};
use crate::id::{CgroupId, Cookie, Tid};
use crate::proc::{own, tasks};
use crate::profile::environments::Environments;
use crate::profile::header::Header;
use crate::profile::modules::ModuleTable;
use crate::profile::totals::Totals;
use crate::recording::writer::Writer;
use crate::stitch::Stitcher;
use crate::symbolize::work;
use crate::symbolize::worker::Worker;

/// How long a segment that is over waits for user halves.
const PATIENCE: Duration = Duration::from_secs(5);
/// Cgroups that are kept for later segments, beyond which those that are gone are forgotten: some
/// are outside of what is mounted here, and are told of only once.
const CGROUPS_KEPT: usize = 1 << 14;
/// How long to wait for names at a time, once sampling is over.
const ROUND: Duration = Duration::from_millis(100);

/// Segments of this run that are whole, be they kept or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Earlier {
    pub(super) segments: usize,
    pub(super) bytes: u64,
}

/// Has segments follow each other.
#[derive(Debug)]
pub(super) struct Rotator {
    every: Duration,
    segments: Segments,
    header: Header,
    naming: Naming,
    modules: ModuleTable,
    /// Cgroups whose threads may still be sampled.
    cgroups: FxHashMap<CgroupId, String>,
    /// Variables of processes that may still be sampled.
    environments: Environments,
    /// What the last segment had when it ended, and this one may need.
    carried: FxHashMap<Cookie, Rc<UserHalf>>,
    closing: Option<Closing>,
    began: Instant,
    /// When sampling ended, and the last segment with it.
    ended: Option<Instant>,
    before: Counts,
    earlier: Earlier,
    failed: Option<Error>,
}

/// A segment that is over.
#[derive(Debug)]
struct Closing {
    segment: Segment,
    totals: Totals,
    stage: Stage,
    pending: HashSet<Cookie>,
}

#[derive(Debug)]
enum Stage {
    /// For user halves of these.
    Waiting {
        cookies: HashSet<Cookie>,
        until: Instant,
        is_last_round: bool,
    },
    /// For names.
    Naming(Worker),
    /// For nothing.
    Named,
}

impl Rotator {
    /// Makes one that begins after the delay.
    ///
    /// # Errors
    /// When the directory of the segments cannot be read.
    pub(super) fn new(
        rotation: Rotation,
        destination: &Destination,
        naming: Naming,
        header: Header,
        delay: Duration,
    ) -> Result<Self> {
        Ok(Self {
            every: rotation.every,
            segments: Segments::find(destination, rotation.keep)?,
            header,
            naming,
            modules: ModuleTable::default(),
            cgroups: FxHashMap::default(),
            environments: Environments::default(),
            carried: FxHashMap::default(),
            closing: None,
            began: Instant::now() + delay,
            ended: None,
            before: Counts::begin(),
            earlier: Earlier::default(),
            failed: None,
        })
    }

    /// Begins a segment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(&mut self) -> Result<Segment> {
        let storage = Storage::new(Some(self.segments.open()?))?;
        let header = sampling::begin_anew(&self.header);
        let writer = Writer::new(storage.writer()?, &header);
        let mut writer = writer.context(|| "write the recording".into())?;
        self.modules.iter().for_each(|info| writer.expect(info));
        for (&id, path) in &self.cgroups {
            writer.expect_cgroup(id, path);
        }
        for event in self.environments.iter().map(Event::Variable) {
            let written = writer.add(&event);
            written.context(|| "write the recording".into())?;
        }
        // samples of those that have just ended may be in this one
        self.environments.retain(|pid, _| tasks::exists(Tid(pid.0)));
        if self.cgroups.len() > CGROUPS_KEPT
            && let Some(exists) = cgroup::existing()
        {
            self.cgroups.retain(|id, _| exists.contains_key(id));
        }
        Ok(Segment { storage, writer })
    }

    /// Whether a segment that was over could not be written.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// What was counted since the segment began, and how long that is.
    pub(super) fn since(&self, counts: &Counts) -> (Counts, Duration) {
        let until = self.ended.unwrap_or_else(Instant::now);
        let duration = until.saturating_duration_since(self.began);
        (counts.since(&self.before), duration)
    }

    /// Lets the segment that is open be the last one.
    pub(super) fn end_rotation(&mut self) {
        self.ended = Some(Instant::now());
    }

    /// The segments before the last one, which is whole now, and what went wrong with one of them.
    pub(super) fn end(mut self) -> (Earlier, Option<Error>) {
        self.segments.remove_oldest();
        (self.earlier, self.failed)
    }

    /// Leaves the segment that is over where it is, as far as it is whole.
    pub(super) fn abandon(self) {
        if let Some(closing) = self.closing {
            closing.segment.leave();
        }
    }

    /// Takes notice of an event before it is written to the segment that is open.
    ///
    /// # Errors
    /// Whatever that segment's file gives.
    pub(super) fn see(&mut self, event: &Event, open: &mut Segment) -> io::Result<()> {
        match event {
            Event::Module(module) => self.modules.add(module.clone()),
            Event::BuildId(notice) => self.modules.add_build_id(notice.clone()),
            Event::KernelHalf(half) => {
                if let Promise::Deferred(cookie) = half.promise
                    && let Some(user) = self.carried.remove(&cookie)
                {
                    return open.writer.add(&Event::UserHalf((*user).clone()));
                }
                return Ok(());
            }
            Event::Cgroup(cgroup) => {
                self.cgroups.insert(cgroup.id, cgroup.path.clone());
                return Ok(());
            }
            Event::Variable(variable) => self.environments.add(variable.clone()),
            Event::UserHalf(_) => {}
            Event::Symbols(_) | Event::Task(_) => return Ok(()),
        }
        if let Some(mut closing) = self.closing.take() {
            match closing.see(event) {
                Ok(()) => self.closing = Some(closing),
                Err(error) => self.failed = Some(closing.cut(&error)),
            }
        }
        Ok(())
    }

    /// Ends a round: goes on with the segment that is over, or ends the one that is open
    /// when its time has come.
    ///
    /// # Errors
    /// When the next segment cannot be begun.
    pub(super) fn end_round(
        &mut self,
        session: &Session<'_>,
        open: &mut Segment,
        collected: &Collected,
        stitcher: &Stitcher,
    ) -> Result<()> {
        if let Some(closing) = self.closing.take() {
            self.go_on(closing, collected, &mut || session.pending());
        } else if self.ended.is_none() && self.began.elapsed() >= self.every {
            self.rotate(session, open, collected, stitcher)?;
        }
        Ok(())
    }

    /// Ends the segment that is over, whatever it waits for.
    pub(super) fn finish(&mut self, collected: &Collected, pending: &HashSet<Cookie>) {
        while let Some(mut closing) = self.closing.take() {
            match &mut closing.stage {
                Stage::Waiting {
                    is_last_round: is_last,
                    until,
                    ..
                } => {
                    *is_last = true;
                    *until = Instant::now();
                    closing.pending.clone_from(pending);
                }
                Stage::Naming(worker) => {
                    if let Some(named) = worker.wait(ROUND)
                        && let Err(error) = closing.segment.writer.add_names(&named)
                    {
                        self.failed = Some(closing.cut(&error));
                        return;
                    }
                }
                Stage::Named => {}
            }
            self.go_on(closing, collected, &mut || pending.clone());
        }
    }

    fn rotate(
        &mut self,
        session: &Session<'_>,
        open: &mut Segment,
        collected: &Collected,
        stitcher: &Stitcher,
    ) -> Result<()> {
        let counts = Counts::take(session, collected)?;
        let (since, duration) = self.since(&counts);
        let totals = since.totals(collected, duration, Duration::ZERO);
        let segment = std::mem::replace(open, self.open()?);
        self.carried = stitcher
            .user_halves()
            .map(|half| (half.cookie, Rc::clone(half)))
            .collect();
        self.closing = Some(Closing {
            segment,
            totals,
            stage: Stage::Waiting {
                cookies: stitcher.waiting().collect(),
                until: Instant::now() + PATIENCE.min(self.every / 2),
                is_last_round: false,
            },
            pending: HashSet::new(),
        });
        self.before = counts;
        // where the one before ended: to begin a file takes its time
        self.began += duration;
        Ok(())
    }

    fn go_on(
        &mut self,
        mut closing: Closing,
        collected: &Collected,
        pending: &mut dyn FnMut() -> HashSet<Cookie>,
    ) {
        match closing.step(collected, self.naming, pending) {
            Ok(false) => self.closing = Some(closing),
            Ok(true) => match closing.end() {
                Ok(bytes) => {
                    self.earlier.segments += 1;
                    self.earlier.bytes += bytes;
                    self.segments.remove_oldest();
                    own::trim_heap();
                }
                Err(error) => self.failed = Some(error),
            },
            Err(error) => self.failed = Some(closing.cut(&error)),
        }
    }
}

impl Closing {
    fn see(&mut self, event: &Event) -> io::Result<()> {
        let Stage::Waiting { cookies, .. } = &mut self.stage else {
            return Ok(());
        };
        let is_wanted = match event {
            Event::UserHalf(half) => cookies.remove(&half.cookie),
            // a frame of what is still to come may be in it
            Event::Module(_) | Event::BuildId(_) | Event::Variable(_) => true,
            _ => false,
        };
        if is_wanted {
            self.segment.writer.add(event)?;
        }
        Ok(())
    }

    /// Does what can be done now; tells whether that was all.
    fn step(
        &mut self,
        collected: &Collected,
        naming: Naming,
        pending: &mut dyn FnMut() -> HashSet<Cookie>,
    ) -> io::Result<bool> {
        let writer = &mut self.segment.writer;
        match &mut self.stage {
            Stage::Waiting {
                cookies,
                until,
                is_last_round,
            } => {
                writer.end_round(now())?;
                if cookies.is_empty() || *is_last_round {
                    self.stage = match naming {
                        Naming::Nothing => Stage::Named,
                        Naming::Everything => {
                            let frames = writer.take_frames();
                            let mut worker = Worker::start(None)?;
                            worker.submit(work::plan(frames.iter(), collected.known()));
                            Stage::Naming(worker)
                        }
                    };
                } else if Instant::now() >= *until {
                    // What is no longer pending has been sent, and is read in the next round.
                    self.pending = pending();
                    *is_last_round = true;
                }
            }
            Stage::Naming(worker) => {
                while let Some(named) = worker.take() {
                    writer.add_names(&named)?;
                }
                if !worker.is_busy() {
                    self.stage = Stage::Named;
                }
            }
            Stage::Named => {}
        }
        Ok(matches!(self.stage, Stage::Named))
    }

    /// Ends it, and tells how many bytes it has.
    fn end(self) -> Result<u64> {
        let Segment {
            mut storage,
            writer,
        } = self.segment;
        let whole = writer.bytes();
        match writer.finish(&self.pending, &self.totals) {
            Ok(_) => Ok(storage.keep().map_or(0, |(_, bytes)| bytes)),
            Err(error) => Err(storage.cut(&error, whole, self.totals.duration)),
        }
    }

    fn cut(self, error: &io::Error) -> Error {
        let Segment { storage, writer } = self.segment;
        storage.cut(error, writer.bytes(), self.totals.duration)
    }
}
