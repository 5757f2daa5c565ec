//! The timeline: a column a second, from above what was sampled in each part of it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::live::heat::CELLS;
use crate::live::shown::Window;
use crate::time::Timestamp;
use crate::tui::message::{Direction, Mouse};
use crate::tui::model::Model;
use crate::tui::names;
use crate::tui::text;
use crate::tui::theme::{Palette, UNICODE};

/// Columns of the scale.
const SCALE: u16 = 8;
/// Columns of a second where there are few of them.
const COLUMNS_MAX: u16 = 4;

/// Where one is, and what is being selected.
#[derive(Clone, Debug)]
pub struct State {
    /// Where.
    at: Cell,
    /// Where a selection was begun.
    mark: Option<Cell>,
    /// Whether to stay at the latest second.
    is_following: bool,
    /// The first second that is shown.
    first: usize,
}

/// A part of a second, by its first cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    second: usize,
    cell: usize,
}

/// How seconds are divided on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    /// Where cells are drawn.
    area: Rect,
    /// Parts of a second.
    parts: usize,
    /// Parts that one line shows.
    per_line: usize,
    /// Columns of a second.
    columns: u16,
}

impl Default for State {
    fn default() -> Self {
        Self {
            at: Cell::default(),
            mark: None,
            is_following: true,
            first: 0,
        }
    }
}

impl Grid {
    fn of(model: &Model) -> Self {
        let body = model.areas().body;
        let theme = &model.theme;
        let lines = usize::from(body.height.saturating_sub(2)).max(1);
        let has_halves = theme.symbols == &UNICODE && theme.heat_color(0.5, false).is_some();
        let per_line = if has_halves { 2 } else { 1 };
        let fits = |parts: &usize| parts.div_ceil(per_line) <= lines;
        let parts = [50, 25, 10, 5].into_iter().find(fits).unwrap_or(2);
        let height = u16::try_from(parts.div_ceil(per_line)).unwrap_or(body.height);
        let width = body.width.saturating_sub(SCALE);
        let (from, to) = model.store.heat().seconds();
        let seconds = u16::try_from(to - from).unwrap_or(u16::MAX).max(1);
        Self {
            area: Rect {
                x: body.x + SCALE,
                y: body.y + 1,
                width,
                height,
            },
            parts,
            per_line,
            columns: (width / seconds).clamp(1, COLUMNS_MAX),
        }
    }

    /// Cells of a part.
    fn cells(self) -> usize {
        CELLS / self.parts
    }

    /// Seconds that there is room for.
    fn seconds(self) -> usize {
        usize::from(self.area.width / self.columns).max(1)
    }

    /// The part at a place of the terminal.
    fn at(self, model: &Model, x: u16, y: u16) -> Option<Cell> {
        if !self.area.contains((x, y).into()) {
            return None;
        }
        let part = usize::from(y - self.area.y) * self.per_line;
        Some(Cell {
            second: model.timeline.first + usize::from((x - self.area.x) / self.columns),
            cell: part.min(self.parts - 1) * self.cells(),
        })
    }
}

pub(super) fn settle(model: &mut Model) {
    let grid = Grid::of(model);
    let (from, to) = model.store.heat().seconds();
    let last = to.saturating_sub(1).max(from);
    let state = &mut model.timeline;
    if state.is_following {
        state.at = Cell {
            second: last,
            cell: 0,
        };
    }
    state.at.second = state.at.second.clamp(from, last);
    state.at.cell = state.at.cell / grid.cells() * grid.cells();
    let width = grid.seconds();
    let lowest = (state.at.second + 1).saturating_sub(width).max(from);
    state.first = state.first.clamp(lowest, state.at.second.max(lowest));
    // what is new comes into view without being gone to
    if state.is_following {
        state.first = lowest;
    }
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let grid = Grid::of(model);
    let (from, to) = model.store.heat().seconds();
    let last = to.saturating_sub(1).max(from);
    let part = grid.cells();
    let state = &mut model.timeline;
    let at = &mut state.at;
    match direction {
        Direction::Up => at.cell = at.cell.saturating_sub(part),
        Direction::Down => at.cell = (at.cell + part).min(CELLS - part),
        Direction::Left => at.second = at.second.saturating_sub(1),
        Direction::Right => at.second += 1,
        Direction::PageUp => at.second = at.second.saturating_sub(10),
        Direction::PageDown => at.second += 10,
        Direction::Home => at.second = from,
        Direction::End => at.second = last,
    }
    at.second = at.second.clamp(from, last);
    let is_vertical = matches!(direction, Direction::Up | Direction::Down);
    state.is_following = at.second == last && !is_vertical && state.mark.is_none();
}

/// Begins a selection, or ends it: every screen shows it then.
pub(super) fn enter(model: &mut Model) {
    let at = model.timeline.at;
    match model.timeline.mark.take() {
        None => {
            model.timeline.mark = Some(at);
            model.timeline.is_following = false;
            model.say("go to the other end of the range, and Enter");
        }
        Some(mark) => select(model, mark, at),
    }
}

fn select(model: &mut Model, one: Cell, other: Cell) {
    let cells = Grid::of(model).cells();
    let (first, last) = (one.min(other), one.max(other));
    let heat = model.store.heat();
    let from = heat.time(first.second, first.cell);
    let to = heat.time(last.second, last.cell + cells);
    let mut settings = model.shown.settings().clone();
    settings.window = Window::Between(from, to);
    model.set(settings);
    let length = (to.0 - from.0) as f64 / 1e9;
    let kept = model.store.history().since();
    if kept.is_some_and(|since| since > from) {
        model.say("part of this range is no longer kept sample by sample; Backspace for all");
    } else {
        model.say(format!(
            "every screen shows these {length:.2} s; Backspace for all"
        ));
    }
}

pub(super) fn back(model: &mut Model) -> bool {
    if model.timeline.mark.take().is_some() {
        return true;
    }
    let mut settings = model.shown.settings().clone();
    let had_range = matches!(settings.window, Window::Between(..));
    if had_range {
        settings.window = Window::All;
        model.set(settings);
        model.timeline.is_following = true;
    }
    had_range
}

pub(super) fn mouse(model: &mut Model, mouse: Mouse, x: u16, y: u16) {
    let Some(cell) = Grid::of(model).at(model, x, y) else {
        return;
    };
    let (from, to) = model.store.heat().seconds();
    if !(from..to).contains(&cell.second) {
        return;
    }
    match mouse {
        Mouse::Press => {
            model.timeline.is_following = false;
            model.timeline.at = cell;
            model.timeline.mark = Some(cell);
        }
        Mouse::Drag => model.timeline.at = cell,
        Mouse::Release => {
            if let Some(mark) = model.timeline.mark.take() {
                model.timeline.at = cell;
                select(model, mark, cell);
            }
        }
        _ => {}
    }
}

/// What was sampled where one is.
#[must_use]
pub fn describe(model: &Model) -> String {
    let Cell { second, cell } = model.timeline.at;
    let cells = Grid::of(model).cells();
    let sum = model.store.heat().sum(second, cell..cell + cells);
    let millisecond = cell * 1000 / CELLS;
    format!(
        "{} + {millisecond} ms, {} ms: {}{}; Enter begins and ends a range",
        text::clock(second as u64),
        cells * 1000 / CELLS,
        names::weight(model, f64::from(sum)),
        names::unit(model),
    )
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let grid = Grid::of(model);
    let (from, to) = model.store.heat().seconds();
    if from == to {
        names::draw_nothing(model, area, buffer);
        return;
    }
    let title = " a column is a second, all samples; darker is less";
    let title = if theme.palette == Palette::Light {
        title.replace("darker", "lighter")
    } else {
        title.to_owned()
    };
    text::write(buffer, area, &title, theme.dim(), theme.symbols);
    draw_scales(model, grid, area, buffer);
    let visible = model.timeline.first..to.min(model.timeline.first + grid.seconds());
    let sum = |second, part: usize| {
        let cell = part * grid.cells();
        model.store.heat().sum(second, cell..cell + grid.cells())
    };
    let sums = visible
        .clone()
        .flat_map(|second| (0..grid.parts).map(move |part| (second, part)));
    let highest = sums
        .map(|(second, part)| sum(second, part))
        .fold(0.0, f32::max);
    for (x, second) in (grid.area.x..).step_by(grid.columns.into()).zip(visible) {
        for (y, part) in (grid.area.y..).zip((0..grid.parts).step_by(grid.per_line)) {
            let look = |part: usize| Look {
                share: f64::from(sum(second, part) / highest.max(1e-9)),
                is_selected: is_selected(model, second, part * grid.cells()),
                is_here: model.timeline.at
                    == Cell {
                        second,
                        cell: part * grid.cells(),
                    },
            };
            let lower = (grid.per_line == 2 && part + 1 < grid.parts).then(|| look(part + 1));
            let at = Rect::new(x, y, grid.columns, 1);
            draw_cell(
                model,
                &look(part),
                lower.as_ref(),
                grid.per_line,
                at,
                buffer,
            );
        }
    }
}

/// How a part looks.
struct Look {
    share: f64,
    is_selected: bool,
    is_here: bool,
}

fn draw_cell(
    model: &Model,
    upper: &Look,
    lower: Option<&Look>,
    per_line: usize,
    at: Rect,
    buffer: &mut Buffer,
) {
    let theme = &model.theme;
    let color = |look: &Look| {
        let selected = theme.selected().bg;
        if look.is_here {
            selected
        } else {
            theme.heat_color(look.share, look.is_selected)
        }
    };
    let Some(front) = color(upper).filter(|_| per_line == 2) else {
        let (mut style, symbol) = theme.heat(upper.share, upper.is_selected);
        if upper.is_here {
            style = theme.selected();
        }
        buffer.set_string(at.x, at.y, symbol.repeat(at.width.into()), style);
        return;
    };
    let style = Style::new().fg(front);
    let style = lower.and_then(color).map_or(style, |back| style.bg(back));
    buffer.set_string(at.x, at.y, "▀".repeat(at.width.into()), style);
}

/// Whether a cell is in the range that is shown, or in the one that is being selected.
fn is_selected(model: &Model, second: usize, cell: usize) -> bool {
    let state = &model.timeline;
    if let Some(mark) = state.mark {
        let (from, to) = (mark.min(state.at), mark.max(state.at));
        return (from..=to).contains(&Cell { second, cell });
    }
    match model.shown.settings().window {
        Window::Between(from, to) => {
            let time: Timestamp = model.store.heat().time(second, cell);
            (from..to).contains(&time)
        }
        _ => false,
    }
}

/// Milliseconds at the left, seconds below.
fn draw_scales(model: &Model, grid: Grid, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    for line in (0..grid.area.height).step_by(3) {
        let part = usize::from(line) * grid.per_line;
        let label = format!("{:>4} ms", part * 1000 / grid.parts);
        let row = Rect::new(area.x, grid.area.y + line, SCALE, 1);
        text::write(buffer, row, &label, theme.dim(), theme.symbols);
    }
    let y = grid.area.bottom();
    if y >= area.bottom() {
        return;
    }
    for x in (0..grid.area.width.saturating_sub(8)).step_by(usize::from(grid.columns) * 10) {
        let second = model.timeline.first + usize::from(x / grid.columns);
        let label = format!("'{}", text::clock(second as u64));
        buffer.set_stringn(grid.area.x + x, y, label, 9, theme.dim());
    }
}
