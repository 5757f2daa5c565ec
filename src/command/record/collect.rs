//! Takes events as they come and keeps what the outputs need.

use std::collections::HashSet;

use crate::event::{Event, TaskChange};
use crate::id::{Cookie, Pid};
use crate::profile::Profile;
use crate::profile::tally::Tally;
use crate::stitch::{Sample, Stitcher};
use crate::symbolize::files::ModuleFiles;

/// Everything that a recording came to.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) profile: Profile,
    pub(super) tally: Tally,
    pub(super) files: ModuleFiles,
    pub(super) processes: Processes,
}

/// What the notices said.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) forks: u64,
    pub(super) execs: u64,
    pub(super) exits: u64,
    pub(super) renames: u64,
    sampled: HashSet<Pid>,
}

impl Processes {
    /// How many processes were sampled, pids that came again once.
    pub(super) fn sampled(&self) -> usize {
        self.sampled.len()
    }
}

/// The middle of the pipeline: events in, a profile out.
#[derive(Debug)]
pub(super) struct Collector {
    stitcher: Stitcher,
    collected: Collected,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self {
            stitcher: Stitcher::new(),
            collected: Collected {
                profile: Profile::new(),
                tally: Tally::new(),
                files: ModuleFiles::new(),
                processes: Processes::default(),
            },
        }
    }

    pub(super) fn add(&mut self, event: Event) {
        let collected = &mut self.collected;
        match event {
            Event::KernelHalf(half) => self
                .stitcher
                .push_kernel_half(half, &mut |sample| collected.add_sample(&sample)),
            Event::UserHalf(half) => {
                collected.tally.add_user_half(&half);
                self.stitcher
                    .push_user_half(half, &mut |sample| collected.add_sample(&sample));
            }
            Event::Module(module) => collected.files.add(&module),
            Event::BuildId(notice) => collected.files.prove(&notice),
            Event::Task(notice) => {
                let processes = &mut collected.processes;
                *match notice.what {
                    TaskChange::Forked(_) => &mut processes.forks,
                    TaskChange::Execed => &mut processes.execs,
                    TaskChange::Exited => &mut processes.exits,
                    TaskChange::Renamed => &mut processes.renames,
                } += 1;
            }
        }
    }

    pub(super) fn end_round(&mut self) {
        self.stitcher.end_round();
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.stitcher.is_waiting()
    }

    pub(super) fn finish(mut self, pending: &HashSet<Cookie>) -> Collected {
        let collected = &mut self.collected;
        self.stitcher
            .finish(pending, &mut |sample| collected.add_sample(&sample));
        self.collected
    }
}

impl Collected {
    fn add_sample(&mut self, sample: &Sample) {
        self.tally.add_sample(sample);
        self.profile.add(sample);
        self.processes.sampled.insert(sample.kernel_half.pid);
    }
}
