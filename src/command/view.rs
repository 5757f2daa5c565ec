//! `somno view`: the terminal interface on a recording.

use super::{Verbosity, interface, now, recorded};
use crate::cli::view::View;
use crate::config::filters::chosen_event;
use crate::error::Result;
use crate::live;
use crate::recording::Recording;
use crate::report::summary;
use crate::time::Timestamp;
use crate::tui::Host;
use crate::tui::message::{ExportFormat, Health, News};
use crate::tui::model::{Model, Source};
use crate::tui::terminal::{self, Taken};

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: &View, verbosity: Verbosity) -> Result<u8> {
    terminal::check("`somno report` shows a recording without one")?;
    let recording = recorded::open(&typed.file, verbosity)?;
    let name = crate::text::clean(&typed.file.display().to_string());
    let mut health = health(&recording);
    let event = chosen_event(&recording.header, typed.event.as_deref())?;
    if let Some(event) = event {
        // what is exported has this one only
        health.header.events = vec![health.header.events.swap_remove(event.into())];
    }
    let began = recording.header.began;
    let store = live::load::store(&recording.profile, &recording.names, began, event);
    let is_cut = recording.cut.is_some();
    drop(recording);
    let mut model = Model::new(
        store,
        health,
        Source::File(name),
        interface::theme(typed.look),
    );
    model.is_cut = is_cut;
    interface::run(&mut model, |terminal| Box::new(File { terminal }))?;
    Ok(0)
}

fn health(recording: &Recording) -> Health {
    let cut = recording.cut.map(summary::cut);
    Health {
        header: recording.header.clone(),
        tally: recording.tally.clone(),
        totals: recording.totals.clone(),
        notes: cut
            .into_iter()
            .chain(summary::left_out(recording))
            .collect(),
        threads: vec![("somno while it sampled".into(), recording.totals.own.cpu)],
        named: recording.names.named(),
        unnamed: recording.names.unnamed().into_iter().collect(),
        naming: 0,
    }
}

/// A file, of which there are no news.
struct File {
    terminal: Taken,
}

impl Host for File {
    fn news(&mut self) -> Option<News> {
        None
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn export(&mut self, model: &Model, format: ExportFormat) -> String {
        interface::export(model, format)
    }

    fn suspend(&mut self) -> Result<()> {
        self.terminal.suspend()
    }

    fn resized(&mut self, _columns: u16, _rows: u16) {}
}
