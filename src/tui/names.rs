//! What entries are called, and lines that say what is known of one.

use std::borrow::Cow;
use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::model::{Model, Source};
use super::text;
use crate::event::Comm;
use crate::live::entries::{Entry, EntryId};
use crate::live::tree::Tree;
use crate::profile::header::Unit;
use crate::profile::names::clean;

/// What an entry is called.
#[must_use]
pub fn name(model: &Model, entry: EntryId) -> String {
    let store = &model.store;
    match store.entries().get(entry) {
        Entry::All => "all".into(),
        Entry::Process(pid) => match store.process_name(*pid) {
            Some(comm) => format!("{} {pid}", comm_text(comm)),
            None => pid.to_string(),
        },
        Entry::Thread(pid, tid) => {
            let comm = store.thread_name(*pid, *tid);
            format!("{} {tid}", comm.map(comm_text).unwrap_or_default())
        }
        Entry::Ended(comm) => format!("{} (ended)", comm_text(*comm)),
        Entry::Cpu(cpu) => format!("CPU {cpu}"),
        Entry::Rest => "(too little to tell apart)".into(),
        Entry::Function(function) => function.name.to_string(),
    }
}

/// By what an entry is sorted where names are; the same while names of threads change.
#[must_use]
pub fn sort_key(model: &Model, entry: EntryId) -> (u64, Cow<'_, str>) {
    match model.store.entries().get(entry) {
        Entry::All | Entry::Rest => (0, "".into()),
        Entry::Process(pid) => (pid.0.into(), "".into()),
        Entry::Thread(pid, tid) => (u64::from(pid.0) << 32 | u64::from(tid.0), "".into()),
        Entry::Ended(comm) => (u64::MAX, comm_text(*comm).into()),
        Entry::Cpu(cpu) => (cpu.0.into(), "".into()),
        Entry::Function(function) => (0, (&*function.name).into()),
    }
}

/// A thread's name, safe to show.
#[must_use]
pub fn comm_text(comm: Comm) -> String {
    clean(&comm.to_text())
}

/// A weight in its unit.
#[must_use]
pub fn weight(model: &Model, weight: f64) -> String {
    // sums of weights are far from the end of integers
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = weight.max(0.0).round() as u64;
    let ns = whole as f64;
    match model.health.header.unit(0) {
        Unit::Samples => text::grouped(whole),
        Unit::Nanoseconds if whole < 1_000_000 => format!("{:.0} us", ns / 1e3),
        Unit::Nanoseconds if whole < 1_000_000_000 => format!("{:.1} ms", ns / 1e6),
        Unit::Nanoseconds => format!("{:.2} s", ns / 1e9),
    }
}

/// What weights count, in a word.
#[must_use]
pub fn unit(model: &Model) -> &'static str {
    match model.health.header.unit(0) {
        Unit::Samples => " samples",
        Unit::Nanoseconds => "",
    }
}

/// What is known of an entry with its weights, of which its own may have no meaning.
#[must_use]
pub fn describe(model: &Model, entry: EntryId, total: f64, own: Option<f64>) -> String {
    let whole = model.total();
    let factor = model.shown.factor(&model.store);
    let own = own.map(|own| format!(" {} self,", text::percent(own, whole)));
    let mut line = format!(
        "{}: {} total,{} {}{}",
        name(model, entry),
        text::percent(total, whole),
        own.unwrap_or_default(),
        weight(model, total * factor),
        unit(model),
    );
    if let Some(function) = model.store.entries().get(entry).function() {
        line.push_str(", ");
        line.push_str(function.kind.word());
        if !function.module.is_empty() {
            line.push(' ');
            line.push_str(&function.module);
        }
    }
    if let Some(location) = model.store.location(entry) {
        let file = clean(&location.file);
        write!(line, ", {file}:{}", location.line).expect("a string takes everything");
    }
    line
}

/// Says that there is nothing to show, and why.
pub(super) fn draw_nothing(model: &Model, area: Rect, buffer: &mut Buffer) {
    let settings = model.shown.settings();
    let has_any = model.store.all().iter().any(|&sum| sum > 0.0);
    let line = if has_any && !settings.filter.is_empty() {
        "nothing passes the filter; Esc ends it"
    } else if has_any {
        "no samples in this window; w for another one"
    } else if model.source == Source::Live {
        "no samples yet: nothing of the target was on a CPU"
    } else {
        "no samples"
    };
    let y = area.y + area.height / 2;
    let area = Rect::new(area.x, y, area.width, 1).intersection(area);
    let symbols = model.theme.symbols;
    text::write(
        buffer,
        area,
        &format!("  {line}"),
        model.theme.dim(),
        symbols,
    );
}

/// What is known of what is selected in the tree.
#[must_use]
pub(super) fn describe_selected(model: &Model) -> String {
    let tree = model.tree();
    let node = model.cursor.selected;
    if node == Tree::root() {
        let total = weight(model, model.total() * model.shown.factor(&model.store));
        return format!("all: {total}{}", unit(model));
    }
    let own = Some(tree.own(node));
    describe(model, tree.entry(node), tree.total(node), own)
}
