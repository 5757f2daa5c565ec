//! Has frames named while they come, on a thread that nobody waits for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::command::collected::Collected;
use crate::error::{Context as _, Result};
use crate::live::gather::Gatherer;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::{Naming, Unnamed};
use crate::symbolize::debuginfod::Debuginfod;
use crate::symbolize::work;
use crate::symbolize::worker::Worker;

/// Files are read anew for each hand-over, so few frames wait longer for others: from so
/// many on, so long.
const PAUSES_BY_COUNT: [(usize, Duration); 3] = [
    (256, Duration::from_millis(200)),
    (16, Duration::from_secs(1)),
    (1, Duration::from_secs(4)),
];
/// For each second that naming took it pauses so many.
const PAUSES: u32 = 3;
/// When to look again for names that were not there: a process may still write them.
const RETRIES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
    Duration::from_secs(64),
];

/// Frames whose names are looked for.
#[derive(Debug)]
pub(super) struct Namer {
    worker: Worker,
    /// Frames with numbers below this were handed over once.
    planned: usize,
    /// Frames that are handed over now.
    under_way: usize,
    /// Of these, the first ones whose numbers mean other frames by now.
    outdated: usize,
    retries: Vec<Retry>,
    tries: FxHashMap<FrameId, usize>,
    unnamed: FxHashMap<FrameId, Unnamed>,
    named: u64,
    /// When the last hand-over was.
    began: Instant,
    /// How long naming what was handed over took.
    took: Option<Duration>,
}

#[derive(Debug)]
struct Retry {
    frame: FrameId,
    due: Instant,
}

impl Namer {
    /// Starts the thread.
    pub(super) fn start(servers: Option<Debuginfod>) -> Result<Self> {
        Ok(Self {
            worker: Worker::start(servers).context(|| "start a thread".into())?,
            planned: 0,
            under_way: 0,
            outdated: 0,
            retries: Vec::new(),
            tries: FxHashMap::default(),
            unnamed: FxHashMap::default(),
            named: 0,
            began: Instant::now(),
            took: Some(Duration::ZERO),
        })
    }

    /// Takes names that were found, and hands over frames that have none; never waits.
    pub(super) fn round(&mut self, gatherer: &mut Gatherer, collected: &Collected) {
        let now = Instant::now();
        while let Some(named) = self.worker.take() {
            for (frame, naming) in named {
                self.take(frame, naming, now, gatherer);
            }
        }
        if self.worker.is_busy() {
            return;
        }
        let took = *self.took.get_or_insert_with(|| self.began.elapsed());
        let due = self.retries.iter().filter(|retry| retry.due <= now).count();
        let waiting = gatherer.frame_count() - self.planned + due;
        let by_count = PAUSES_BY_COUNT.iter().find(|(count, _)| waiting >= *count);
        if by_count
            .is_some_and(|(_, pause)| self.began.elapsed() >= took + (took * PAUSES).max(*pause))
        {
            self.hand_over(now, gatherer, collected);
        }
    }

    /// Takes notice that numbers of frames begin anew.
    pub(super) fn forget_numbers(&mut self) {
        self.planned = 0;
        self.outdated = self.under_way;
        self.retries.clear();
        self.tries.clear();
        self.unnamed.clear();
        self.named = 0;
    }

    /// Frames that have names.
    pub(super) fn named(&self) -> u64 {
        self.named
    }

    /// Frames that have none, by reason.
    pub(super) fn unnamed(&self) -> Vec<(Unnamed, u64)> {
        let mut counts = BTreeMap::new();
        for reason in self.unnamed.values() {
            *counts.entry(*reason).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// Frames whose names are being looked for.
    pub(super) fn under_way(&self, gatherer: &Gatherer) -> u64 {
        (self.under_way + gatherer.frame_count() - self.planned) as u64
    }

    fn take(&mut self, frame: FrameId, naming: Naming, now: Instant, gatherer: &mut Gatherer) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.outdated > 0 {
            self.outdated -= 1;
            return;
        }
        match &naming {
            Naming::Named(_) => {
                self.named += 1;
                self.unnamed.remove(&frame);
            }
            Naming::Unnamed(_, reason) => {
                self.unnamed.insert(frame, *reason);
                if may_come(*reason) {
                    self.retry(frame, now);
                }
            }
        }
        let naming = match gatherer.frame(frame) {
            Frame::Waker(_) => naming.of_waker(),
            _ => naming,
        };
        gatherer.batch_mut().named.push((frame, naming));
    }

    fn retry(&mut self, frame: FrameId, now: Instant) {
        let tries = self.tries.entry(frame).or_default();
        if let Some(pause) = RETRIES.get(*tries) {
            *tries += 1;
            let due = now + *pause;
            self.retries.push(Retry { frame, due });
        }
    }

    fn hand_over(&mut self, now: Instant, gatherer: &Gatherer, collected: &Collected) {
        let (due, later) = std::mem::take(&mut self.retries)
            .into_iter()
            .partition(|retry: &Retry| retry.due <= now);
        self.retries = later;
        let new = gatherer.frames_from(self.planned);
        let again = due
            .iter()
            .map(|retry| (retry.frame, gatherer.frame(retry.frame)));
        let work = work::plan(new.chain(again), collected.known());
        self.planned = gatherer.frame_count();
        self.under_way += work.iter().map(work::Work::len).sum::<usize>();
        self.began = now;
        self.took = None;
        self.worker.submit(work);
    }
}

/// Whether a name may be there later that was not there now.
fn may_come(reason: Unnamed) -> bool {
    match reason {
        Unnamed::NoJitMap
        | Unnamed::NotInJitMap
        | Unnamed::NotOpened
        | Unnamed::Replaced
        | Unnamed::NotAsked => true,
        Unnamed::JitMapRefused
        | Unnamed::Unreadable
        | Unnamed::NoSymbol
        | Unnamed::NoKernelSymbols => false,
    }
}
