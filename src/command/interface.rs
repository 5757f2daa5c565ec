//! What `live` and `view` have in common: how the interface looks, and what it exports.

use std::collections::HashSet;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, channel};

use super::output::Output;
use crate::cli::look::{Look, ThemeName};
use crate::config::output::Destination;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::export::{self, Format, Subject};
use crate::live;
use crate::proc::status;
use crate::recording::writer::Writer;
use crate::report::summary;
use crate::symbolize::worker;
use crate::time::Timestamp;
use crate::tui::message::ExportFormat;
use crate::tui::model::Model;
use crate::tui::terminal::{read_keys, read_signals};
use crate::tui::theme::{ASCII, Palette, Theme};
use crate::tui::{Host, Input, terminal};
use crate::view::selection::Selection;

/// How new files begin.
const STEM: &str = "profile";

/// How everything is to look here.
pub(super) fn theme(look: Look) -> Theme {
    let mut theme = Theme::of_environment(|name| std::env::var(name).ok());
    theme.palette = match look.theme {
        None => theme.palette,
        Some(ThemeName::Dark) => Palette::Dark,
        Some(ThemeName::Light) => Palette::Light,
        Some(ThemeName::Mono) => Palette::Mono,
    };
    if look.ascii {
        theme.symbols = &ASCII;
    }
    theme
}

/// Runs the interface on this process's terminal.
pub(super) fn run(
    model: &mut Model,
    make_host: impl FnOnce(terminal::Taken) -> Box<dyn Host>,
) -> Result<()> {
    let inputs = inputs()?;
    terminal::give_back_on_panic(worker::THREAD);
    let taken = terminal::Taken::take()?;
    // Its own way to end tells standard error what fails, and panics where that is gone
    // with the terminal; `taken` gives back all that there is.
    let mut screen = ManuallyDrop::new(taken.screen()?);
    let mut host = make_host(taken);
    crate::tui::run(&mut screen, model, &inputs, &mut *host)
}

/// Keys and signals.
fn inputs() -> Result<Receiver<Input>> {
    let (to, inputs) = channel();
    let ignored = status::ignored_signals();
    read_signals(to.clone(), |signal| {
        signal == signal_hook::consts::SIGHUP && ignored >> (signal - 1) & 1 == 1
    })?;
    read_keys(to)?;
    Ok(inputs)
}

/// Writes what is shown to a new file; tells where, or why not.
pub(super) fn export(model: &Model, format: ExportFormat) -> String {
    let written = match format {
        ExportFormat::Svg => export_profile(model, Format::Svg, "svg"),
        ExportFormat::Folded => export_profile(model, Format::Folded, "folded"),
        ExportFormat::Recording => export_recording(model),
    };
    match written {
        Ok(name) => format!("wrote {name}"),
        Err(error) => error.to_string(),
    }
}

fn export_profile(model: &Model, format: Format, extension: &'static str) -> Result<String> {
    let (profile, names) = live::export::profile(&model.store, &model.shown);
    let header = &model.health.header;
    let filter = live::export::filter(&model.shown);
    let selection = Selection::new(&profile, &names, header.began, &filter);
    let remark = summary::remark(header, &model.health.totals, &model.health.tally);
    let subject = Subject {
        selection: &selection,
        header,
        duration: model.health.totals.duration,
        remark: &remark,
    };
    let options = export::Options::default();
    write_new(extension, |to| {
        export::write(format, &subject, &options, to)
    })
}

fn export_recording(model: &Model) -> Result<String> {
    if model.health.header.off_cpu_min.is_some() {
        // what is shown has the times, not what the tasks were doing
        return Err(Error::failed(
            "failed to write a recording: there is time off the CPU in it",
        ));
    }
    let name = write_new("somno", |to| write_recording(model, to))?;
    let since = model.store.history().since();
    Ok(match since {
        Some(since) => {
            let kept = model.now.0.saturating_sub(since.0) / 1_000_000_000;
            format!("{name}: the last {kept} s; older samples are kept as sums only")
        }
        None => name,
    })
}

fn write_recording(model: &Model, to: &mut dyn Write) -> io::Result<()> {
    let header = &model.health.header;
    let mut writer = Writer::new(to, header)?;
    let mut failed = None;
    live::export::events(&model.store, &model.shown, &mut |event| {
        if failed.is_none() {
            let is_last = matches!(event, Event::KernelHalf(_));
            let added = writer.add(&event);
            // a round is as long as whoever reads must hold user stacks
            let ended = if is_last {
                writer.end_round(Timestamp(0))
            } else {
                Ok(())
            };
            failed = added.and(ended).err();
        }
    });
    failed.map_or(Ok(()), Err)?;
    let namings = live::export::namings(&model.store);
    let frames = writer.take_frames();
    let named = frames
        .iter()
        .filter_map(|(id, frame)| Some((id, namings.get(&frame)?.clone())));
    let named: Vec<_> = named.collect();
    writer.add_names(&named)?;
    writer.finish(&HashSet::new(), &model.health.totals)?;
    Ok(())
}

fn write_new(
    extension: &'static str,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<String> {
    let output = Output::open(&Destination::New(STEM, extension))?;
    let name = output.name();
    output.write(content)?;
    Ok(name)
}
