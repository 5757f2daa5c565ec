//! Takes events as they come: writes them, and keeps what is needed to name and to count.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use super::super::now;
use crate::event::{Event, ModuleSymbols, TaskChange, TaskNotice, UserFrame, UserHalf};
use crate::id::{Cookie, ModuleId};
use crate::profile::tally::Tally;
use crate::profile::totals::Notices;
use crate::recording::writer::Writer;
use crate::stitch::{Sample, Stitcher};
use crate::symbolize::captured::CapturedSymbols;
use crate::symbolize::files::ModuleFiles;
use crate::symbolize::jit_maps::JitMaps;

/// What is known when sampling has ended, beside what was written.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) tally: Tally,
    pub(super) files: ModuleFiles,
    pub(super) captured: CapturedSymbols,
    pub(super) jit_maps: JitMaps,
    pub(super) notices: Notices,
}

/// The middle of the pipeline: events in, a recording out.
#[derive(Debug)]
pub(super) struct Collector {
    writer: Writer<File>,
    failed: Option<io::Error>,
    stitcher: Stitcher,
    collected: Collected,
    /// Modules whose files were tried since somebody asked.
    tried: Vec<ModuleId>,
}

impl Collector {
    /// Makes one for a recording that this user asked for.
    pub(super) fn new(writer: Writer<File>, caller: Option<u32>) -> Self {
        Self {
            writer,
            failed: None,
            stitcher: Stitcher::new(),
            collected: Collected {
                tally: Tally::new(),
                files: ModuleFiles::new(),
                captured: CapturedSymbols::default(),
                jit_maps: JitMaps::new(caller),
                notices: Notices::default(),
            },
            tried: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, event: Event) {
        if self.failed.is_none() {
            self.failed = self.writer.add(&event).err();
        }
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
                self.tried.push(module.id);
            }
            Event::BuildId(notice) => {
                collected.files.prove(&notice);
                self.tried.push(notice.module);
            }
            Event::Symbols(symbols) => collected.add_symbols(symbols),
            Event::Task(notice) => collected.add_notice(&notice),
        }
    }

    /// The modules whose files were tried since the last call, and whether they could be opened.
    pub(super) fn take_tried(&mut self) -> impl Iterator<Item = (ModuleId, bool)> {
        let files = &self.collected.files;
        let tried = std::mem::take(&mut self.tried);
        tried
            .into_iter()
            .map(|module| (module, files.path(module).is_ok()))
    }

    pub(super) fn end_round(&mut self) {
        self.stitcher.end_round();
        if self.failed.is_none() {
            self.failed = self.writer.end_round(now()).err();
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.stitcher.is_waiting()
    }

    /// Whether nothing more can be written, so that there is no use in going on.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Ends collecting; tells whether everything could be written.
    pub(super) fn finish(
        mut self,
        pending: &HashSet<Cookie>,
    ) -> (Collected, Writer<File>, io::Result<()>) {
        let collected = &mut self.collected;
        self.stitcher
            .finish(pending, &mut |sample| collected.add_sample(&sample));
        collected.jit_maps.finish();
        (self.collected, self.writer, self.failed.map_or(Ok(()), Err))
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

    fn add_symbols(&mut self, symbols: ModuleSymbols) {
        // the file has all that may come of them
        if self.files.path(symbols.module).is_err() {
            self.captured.add(symbols);
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

    fn add_sample(&mut self, sample: &Sample) {
        self.tally.add_sample(sample);
    }
}
