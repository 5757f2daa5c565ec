//! The hottest functions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Screen;
use crate::live::entries::EntryId;
use crate::live::interned::Id as _;
use crate::live::rebuild::Rebuilt;
use crate::tui::layout::first_line;
use crate::tui::list::{self, SHARE, WIDE};
use crate::tui::message::{Direction, Turn};
use crate::tui::model::Model;
use crate::tui::names;
use crate::tui::text;

/// Functions that are listed at most.
const ROWS_MAX: usize = 5000;
/// Columns of a module's name.
const MODULE: usize = 20;

/// What is listed, and how.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The functions.
    pub rows: Vec<Row>,
    /// The selected one.
    pub selected: Option<EntryId>,
    column: Column,
    is_reversed: bool,
    first: usize,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub entry: EntryId,
    /// Where it was the leaf.
    pub own: f64,
    /// Where it was anywhere on the stack; recursion counts once.
    pub total: f64,
}

/// What functions are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Column {
    #[default]
    Own,
    Total,
    Name,
    Module,
}

impl State {
    /// Takes the new numbers of functions.
    pub fn renumber(&mut self, rebuilt: &Rebuilt) {
        self.selected = self.selected.and_then(|entry| rebuilt.entry(entry));
        self.rows.clear();
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows.iter().position(|row| row.entry == selected)
    }
}

pub(super) fn refresh(model: &mut Model) {
    let mut rows = weigh(model);
    let State {
        column,
        is_reversed,
        ..
    } = model.hottest;
    let module = |row: &Row| {
        let function = model.store.entries().get(row.entry).function();
        function
            .map(|function| &*function.module)
            .unwrap_or_default()
    };
    rows.sort_by(|a, b| {
        let by_weight = || b.own.total_cmp(&a.own).then(b.total.total_cmp(&a.total));
        let by_name = || names::sort_key(model, a.entry).cmp(&names::sort_key(model, b.entry));
        let order = match column {
            Column::Own => by_weight(),
            Column::Total => b.total.total_cmp(&a.total),
            Column::Name => by_name(),
            Column::Module => module(a).cmp(module(b)).then_with(by_weight),
        };
        let order = if is_reversed { order.reverse() } else { order };
        order.then_with(by_name).then(a.entry.cmp(&b.entry))
    });
    rows.truncate(ROWS_MAX);
    model.hottest.rows = rows;
}

/// What each function weighs.
fn weigh(model: &Model) -> Vec<Row> {
    let tree = model.tree();
    let mut sums = vec![(0.0, 0.0); model.store.entries().len()];
    for node in tree.nodes() {
        let sum: &mut (f64, f64) = &mut sums[tree.entry(node).index()];
        sum.0 += tree.own(node);
        if tree.is_outermost(node) {
            sum.1 += tree.total(node);
        }
    }
    let rows = model.store.entries().iter().zip(sums);
    let rows = rows.filter(|((_, entry), (_, total))| entry.function().is_some() && *total > 0.0);
    rows.map(|((entry, _), (own, total))| Row { entry, own, total })
        .collect()
}

pub(super) fn settle(model: &mut Model) {
    let height = height(model);
    let state = &mut model.hottest;
    // one without samples just now stays selected until another one is
    if state.selected.is_none() {
        state.selected = state.rows.first().map(|row| row.entry);
    }
    let selected = state.position().unwrap_or(state.first);
    state.first = first_line(state.first, selected, height, state.rows.len());
}

fn height(model: &Model) -> usize {
    usize::from(model.areas().body.height.saturating_sub(1))
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let height = height(model);
    let state = &mut model.hottest;
    let from = state.position().unwrap_or(state.first);
    let to = list::moved(from, state.rows.len(), height, direction);
    state.selected = state.rows.get(to).map(|row| row.entry).or(state.selected);
}

/// Orders by the next column.
pub fn next_order(model: &mut Model) {
    model.hottest.column = match model.hottest.column {
        Column::Own => Column::Total,
        Column::Total => Column::Name,
        Column::Name => Column::Module,
        Column::Module => Column::Own,
    };
    model.is_stale = true;
}

/// Orders backwards, or forth again.
pub fn reverse(model: &mut Model) {
    model.hottest.is_reversed = !model.hottest.is_reversed;
    model.is_stale = true;
}

pub(super) fn enter(model: &mut Model) {
    if let Some(entry) = model.hottest.selected {
        super::sandwich::look_at(model, entry);
        model.before = Screen::Hottest;
        model.screen = Screen::Sandwich;
        model.is_stale = true;
    }
}

pub(super) fn press(model: &mut Model, row: usize) {
    let Some(row) = row.checked_sub(1) else {
        next_order(model);
        return;
    };
    let state = &mut model.hottest;
    if let Some(row) = state.rows.get(state.first + row) {
        let was_selected = state.selected == Some(row.entry);
        state.selected = Some(row.entry);
        if was_selected {
            enter(model);
        }
    }
}

pub(super) fn next_match(model: &mut Model, turn: Turn) {
    let matching = |model: &Model| {
        let rows = model.hottest.rows.iter();
        let rows = rows.filter(|row| model.is_entry_found(row.entry));
        rows.map(|row| row.entry).collect::<Vec<_>>()
    };
    let matches = matching(model);
    let at = matches
        .iter()
        .position(|&entry| Some(entry) == model.hottest.selected);
    match list::turned(at, matches.len(), turn) {
        Some(next) => {
            model.hottest.selected = Some(matches[next]);
            model.say(format!("match {} of {}", next + 1, matches.len()));
        }
        None => model.say("nothing matches"),
    }
}

/// What is known of the selected function.
#[must_use]
pub fn describe(model: &Model) -> Option<String> {
    let selected = model.hottest.selected?;
    let row = model.hottest.rows.iter().find(|row| row.entry == selected);
    let (total, own) = row.map_or((0.0, 0.0), |row| (row.total, row.own));
    Some(names::describe(model, selected, total, Some(own)))
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    if model.hottest.rows.is_empty() {
        names::draw_nothing(model, area, buffer);
        return;
    }
    draw_head(model, area, buffer);
    let whole = model.total();
    let factor = model.shown.factor(&model.store);
    let has_module = area.width >= WIDE;
    let rows = model.hottest.rows.iter().skip(model.hottest.first);
    for (y, row) in (area.y + 1..area.bottom()).zip(rows) {
        let (own, total) = (
            text::percent(row.own, whole),
            text::percent(row.total, whole),
        );
        let weight = names::weight(model, row.own * factor);
        let before = if has_module {
            format!("{own:>SHARE$}{total:>SHARE$}{weight:>11}  ")
        } else {
            format!("{own:>SHARE$}{total:>SHARE$} ")
        };
        let function = model.store.entries().get(row.entry).function();
        let module = function
            .map(|function| &*function.module)
            .unwrap_or_default();
        let module = text::fit(module, MODULE, model.theme.symbols);
        let padding = " ".repeat(MODULE - text::width(&module));
        let line = list::Line {
            before: &before,
            entry: row.entry,
            behind: &if has_module {
                format!(" {module}{padding}")
            } else {
                String::new()
            },
            is_selected: model.hottest.selected == Some(row.entry),
        };
        list::draw_line(model, &line, Rect::new(area.x, y, area.width, 1), buffer);
    }
}

fn draw_head(model: &Model, area: Rect, buffer: &mut Buffer) {
    let state = &model.hottest;
    let arrow = model.theme.symbols.orders[usize::from(state.is_reversed)];
    let title = |column, name: &str| {
        let mark = if state.column == column { arrow } else { "" };
        format!("{name}{mark}")
    };
    let (own, total) = (title(Column::Own, "self"), title(Column::Total, "total"));
    let name = title(Column::Name, "function");
    let columns = if area.width >= WIDE {
        let room = usize::from(area.width).saturating_sub(2 * SHARE + 13 + MODULE + 1);
        let module = title(Column::Module, "module");
        format!(
            "{own:>SHARE$}{total:>SHARE$}{:>11}  {name:room$} {module}",
            "self"
        )
    } else {
        format!("{own:>SHARE$}{total:>SHARE$} {name}")
    };
    text::write(
        buffer,
        area,
        &columns,
        model.theme.dim(),
        model.theme.symbols,
    );
}
