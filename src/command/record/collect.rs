//! Takes events as they come and keeps what the outputs need.

use std::collections::HashSet;

use crate::event::{Event, TaskChange, TaskNotice, UserFrame, UserHalf};
use crate::id::Cookie;
use crate::profile::Profile;
use crate::profile::tally::Tally;
use crate::profile::totals::Notices;
use crate::stitch::{Sample, Stitcher};
use crate::symbolize::files::ModuleFiles;
use crate::symbolize::jit_maps::JitMaps;

/// Everything that a recording came to.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) profile: Profile,
    pub(super) tally: Tally,
    pub(super) files: ModuleFiles,
    pub(super) jit_maps: JitMaps,
    pub(super) notices: Notices,
}

/// The middle of the pipeline: events in, a profile out.
#[derive(Debug)]
pub(super) struct Collector {
    stitcher: Stitcher,
    collected: Collected,
}

impl Collector {
    /// Makes one for a recording that this user asked for.
    pub(super) fn new(caller: Option<u32>) -> Self {
        Self {
            stitcher: Stitcher::new(),
            collected: Collected {
                profile: Profile::new(),
                tally: Tally::new(),
                files: ModuleFiles::new(),
                jit_maps: JitMaps::new(caller),
                notices: Notices::default(),
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
                collected.add_user_half(&half);
                self.stitcher
                    .push_user_half(half, &mut |sample| collected.add_sample(&sample));
            }
            Event::Module(module) => {
                collected.files.add(&module);
                collected.profile.modules_mut().add(module);
            }
            Event::BuildId(notice) => {
                collected.files.prove(&notice);
                collected.profile.modules_mut().add_build_id(notice);
            }
            Event::Task(notice) => collected.add_notice(&notice),
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
        collected.jit_maps.finish();
        collected.profile.sort();
        self.collected
    }
}

impl Collected {
    fn add_user_half(&mut self, half: &UserHalf) {
        self.tally.add_user_half(half);
        let is_anonymous = |frame: &UserFrame| matches!(frame, UserFrame::Anonymous(_));
        if half.frames.iter().any(is_anonymous) {
            self.jit_maps.see(half.pid, half.process_start, half.time);
        }
    }

    fn add_notice(&mut self, notice: &TaskNotice) {
        let notices = &mut self.notices;
        *match notice.what {
            TaskChange::Forked(_) => &mut notices.forks,
            TaskChange::Execed => &mut notices.execs,
            TaskChange::Exited => &mut notices.exits,
            TaskChange::Renamed => &mut notices.renames,
        } += 1;
        match notice.what {
            TaskChange::Execed => self.jit_maps.replaced(notice.pid),
            // a process goes with its first thread, as a rule, or is met again
            TaskChange::Exited if notice.tid.0 == notice.pid.0 => self.jit_maps.ended(notice.pid),
            _ => {}
        }
    }

    fn add_sample(&mut self, sample: &Sample) {
        self.tally.add_sample(sample);
        self.profile.add(sample);
    }
}
