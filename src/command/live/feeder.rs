//! Takes events as they come, and hands samples with their names to the interface.

use std::time::{Duration, Instant};

use super::naming::Namer;
use super::shared::Shared;
use crate::capture::Session;
use crate::command::collected::Collected;
use crate::command::counts::Counts;
use crate::command::sampling::{self, Sink};
use crate::command::target::End;
use crate::error::Error;
use crate::event::Event;
use crate::id::ModuleId;
use crate::live::gather::Gatherer;
use crate::proc::own;
use crate::profile::header::Header;
use crate::profile::totals::Totals;
use crate::stitch::Stitcher;
use crate::symbolize::{opening, worker};
use crate::time::Timestamp;
use crate::tui::message::Health;
use crate::tui::terminal;

/// How often it is told how sampling goes.
const HEALTH: Duration = Duration::from_secs(1);
/// How often memory is given back that naming and what is not shown any more have left.
const TRIM: Duration = Duration::from_secs(10);

/// The middle of the pipeline: events in, batches out.
#[derive(Debug)]
pub(super) struct Feeder {
    shared: Shared,
    stitcher: Stitcher,
    collected: Collected,
    gatherer: Gatherer,
    namer: Namer,
    about: About,
    next_health: Instant,
    next_trim: Instant,
}

/// What is known before the first sample.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) header: Header,
    pub(super) notes: Vec<String>,
    pub(super) started: Timestamp,
    pub(super) began: Instant,
}

impl Feeder {
    pub(super) fn new(shared: Shared, collected: Collected, namer: Namer, about: About) -> Self {
        Self {
            shared,
            stitcher: Stitcher::new(),
            collected,
            gatherer: Gatherer::new(),
            namer,
            about,
            next_health: Instant::now(),
            next_trim: Instant::now() + TRIM,
        }
    }

    /// Passes on what there is, and has new frames named.
    pub(super) fn pass_on(&mut self) {
        self.namer.round(&mut self.gatherer, &self.collected);
        self.shared.add(self.gatherer.take());
        if self.gatherer.batch_mut().anew {
            self.namer.forget_numbers();
        }
    }

    /// Tells how sampling goes.
    pub(super) fn tell_health(&mut self, session: &Session<'_>, duration: Duration) {
        // counters that cannot be read now may be later, and are no reason to end
        let Ok(counts) = Counts::take(session, &self.collected) else {
            return;
        };
        let to_first = self.collected.to_first_sample(self.about.started);
        let threads = threads();
        let totals = Totals {
            // what the interface shows of its parts adds up to it
            own: sampling::own(threads.iter().map(|(_, cpu)| *cpu).sum()),
            ..counts.totals(&self.collected, duration, to_first)
        };
        self.shared.set_health(Health {
            header: self.about.header.clone(),
            tally: self.collected.tally.clone(),
            totals,
            notes: self.about.notes.clone(),
            threads,
            named: self.namer.named(),
            unnamed: self.namer.unnamed(),
            naming: self.namer.under_way(&self.gatherer),
        });
    }

    /// Forgets halves that wait for others in vain.
    fn forget(&mut self, session: &Session<'_>) {
        let (collected, gatherer) = (&mut self.collected, &mut self.gatherer);
        let mut sink = |sample| {
            collected.tally.add_sample(&sample);
            gatherer.add(&sample);
        };
        self.stitcher.forget_released(&session.pending(), &mut sink);
        self.stitcher.keep_within_bounds(&mut sink);
    }

    /// Gives up on samples that wait for user stacks.
    pub(super) fn finish(&mut self, session: &Session<'_>) {
        let pending = session.pending();
        let stitcher = std::mem::take(&mut self.stitcher);
        stitcher.finish(&pending, &mut |sample| {
            self.collected.tally.add_sample(&sample);
            self.gatherer.add(&sample);
        });
        self.pass_on();
    }

    /// How long it goes on.
    pub(super) fn duration(&self) -> Duration {
        self.about.began.elapsed()
    }

    pub(super) fn collected(&self) -> &Collected {
        &self.collected
    }
}

impl Sink for Feeder {
    fn warn(&mut self, error: &Error) {
        self.shared.say(format!("somno: {error}"));
    }

    fn add(&mut self, event: Event) {
        let batch = self.gatherer.batch_mut();
        match &event {
            Event::Module(module) => batch.modules.push(module.clone()),
            Event::BuildId(notice) => batch.build_ids.push(notice.clone()),
            Event::Variable(variable) => batch.variables.push(variable.clone()),
            _ => {}
        }
        let gatherer = &mut self.gatherer;
        self.collected
            .take(event, &mut self.stitcher, &mut |sample| {
                gatherer.add(sample);
            });
    }

    fn end_round(&mut self, session: &Session<'_>) {
        self.stitcher.end_round();
        self.pass_on();
        if Instant::now() >= self.next_health {
            self.next_health = Instant::now() + HEALTH;
            self.forget(session);
            self.tell_health(session, self.about.began.elapsed());
        }
        if Instant::now() >= self.next_trim {
            self.next_trim = Instant::now() + TRIM;
            own::trim_heap();
        }
    }

    fn is_waiting(&self) -> bool {
        self.stitcher.is_waiting()
    }

    fn take_tried(&mut self) -> Vec<(ModuleId, bool)> {
        self.collected.take_tried()
    }

    fn over(&self) -> Option<End> {
        self.shared.is_left().then_some(End::Signal)
    }
}

/// CPU time of this process's threads, by what they do.
fn threads() -> Vec<(String, Duration)> {
    let parts = [
        ("reading and joining samples", &["somno"][..]),
        (
            "this interface",
            &[super::INTERFACE, terminal::KEYS, terminal::SIGNALS],
        ),
        ("names", &[worker::THREAD, opening::THREAD]),
    ];
    let threads = own::threads();
    let sum = |names: &[&str]| {
        let threads = threads.iter();
        let threads = threads.filter(|thread| names.contains(&thread.name.as_str()));
        threads.map(|thread| thread.cpu).sum()
    };
    parts
        .into_iter()
        .map(|(what, names)| (what.to_owned(), sum(names)))
        .collect()
}
