//! What is kept of events as they come, to name frames and to count samples.

use std::time::Duration;

use crate::event::{Event, ModuleSymbols, TaskChange, TaskNotice, UserFrame, UserHalf};
use crate::id::ModuleId;
use crate::profile::tally::Tally;
use crate::profile::totals::Notices;
use crate::stitch::{Sample, Stitcher};
use crate::symbolize::captured::CapturedSymbols;
use crate::symbolize::files::ModuleFiles;
use crate::symbolize::jit_maps::JitMaps;
use crate::symbolize::precedence::{Precedence, lower_to};
use crate::symbolize::work::Known;
use crate::time::Timestamp;

/// What is known of what was sampled, beside the samples.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) tally: Tally,
    pub(super) files: ModuleFiles,
    pub(super) captured: CapturedSymbols,
    pub(super) jit_maps: JitMaps,
    pub(super) notices: Notices,
}

impl Collected {
    /// Makes one that has nothing, for a user who asked.
    pub(super) fn new(caller: Option<u32>) -> Self {
        Self {
            tally: Tally::new(),
            files: ModuleFiles::new(),
            captured: CapturedSymbols::default(),
            jit_maps: JitMaps::new(caller),
            notices: Notices::default(),
        }
    }

    /// Takes an event; samples that are whole by it go to `sink`.
    pub(super) fn take(
        &mut self,
        event: Event,
        stitcher: &mut Stitcher,
        sink: &mut dyn FnMut(&Sample),
    ) {
        let mut add = |tally: &mut Tally, sample: &Sample| {
            tally.add_sample(sample);
            sink(sample);
        };
        match event {
            Event::KernelHalf(half) => {
                let tally = &mut self.tally;
                stitcher.push_kernel_half(half, &mut |sample| add(tally, &sample));
            }
            Event::UserHalf(half) => {
                self.add_user_half(&half);
                let tally = &mut self.tally;
                stitcher.push_user_half(half, &mut |sample| add(tally, &sample));
            }
            Event::Module(module) => self.files.add(&module),
            Event::BuildId(notice) => self.files.prove(&notice),
            Event::Symbols(symbols) => self.add_symbols(symbols),
            Event::Task(notice) => self.add_notice(&notice),
            // they are only written
            Event::Cgroup(_) | Event::Variable(_) => {}
        }
    }

    /// Waits for files that are being opened, and looks for what processes wrote that run still.
    /// Nothing is sampled any more, so nothing that this thread does from here on has precedence.
    pub(super) fn finish(&mut self) {
        lower_to(Precedence::Ordinary);
        self.files.settle();
        self.jit_maps.finish();
    }

    /// From somno's start to the first sample; nothing while there is none.
    pub(super) fn to_first_sample(&self, started: Timestamp) -> Duration {
        let first = self.tally.first.unwrap_or(started);
        Duration::from_nanos(first.0.saturating_sub(started.0))
    }

    /// Everything that names can come from.
    pub(super) fn known(&self) -> Known<'_> {
        Known {
            files: &self.files,
            captured: &self.captured,
            jit_maps: &self.jit_maps,
        }
    }

    /// Takes what was found out about files meanwhile, and tells the modules whose files were
    /// tried since the last call, and whether they could be opened.
    pub(super) fn take_tried(&mut self) -> Vec<(ModuleId, bool)> {
        self.jit_maps.take_found();
        let tried = self.files.take_opened();
        let opened = |module| (module, self.files.locate(module).is_ok());
        tried.into_iter().map(opened).collect()
    }

    fn add_symbols(&mut self, symbols: ModuleSymbols) {
        // the file has all that may come of them
        if self.files.locate(symbols.module).is_err() {
            self.captured.add(symbols);
        }
    }

    fn add_user_half(&mut self, half: &UserHalf) {
        self.tally.add_user_half(half);
        let is_anonymous = |frame: &UserFrame| matches!(frame, UserFrame::Anonymous(_));
        if half.frames.iter().any(is_anonymous) {
            self.jit_maps.see(half.pid, half.process_start, half.time);
        }
    }

    fn add_notice(&mut self, notice: &TaskNotice) {
        self.notices.count(notice.what);
        match notice.what {
            TaskChange::Execed => self.jit_maps.replaced(notice.pid),
            // a process goes with its first thread, as a rule, or is met again
            TaskChange::Exited if notice.tid.0 == notice.pid.0 => self.jit_maps.ended(notice.pid),
            _ => {}
        }
    }
}
