//! The flame graph.

use std::cmp::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::live::entries::{Entry, Kind};
use crate::live::tree::NodeId;
use crate::tui::message::Direction;
use crate::tui::model::{Model, Order};
use crate::tui::names;
use crate::tui::text;
use crate::tui::theme::Palette;

/// A box, or several that are too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Which; the one that called them, where they are too narrow.
    pub node: NodeId,
    /// Its first column.
    pub x: u16,
    /// Its columns.
    pub width: u16,
    /// How far from the root.
    pub level: usize,
    /// How many are too narrow to have a box of their own.
    pub narrow: usize,
}

/// A node with the columns that are its own.
struct Span {
    node: NodeId,
    from: f64,
    to: f64,
    level: usize,
}

/// Places the boxes of all levels before one.
#[must_use]
pub fn tiles(model: &Model, width: u16, levels: usize) -> Vec<Tile> {
    let tree = model.tree();
    let zoom = model.cursor.zoom;
    let mut tiles = Vec::new();
    let mut above = Some(zoom);
    while let Some(node) = above {
        if tree.depth(node) < levels {
            tiles.push(Tile {
                node,
                x: 0,
                width,
                level: tree.depth(node),
                narrow: 0,
            });
        }
        above = tree.parent(node);
    }
    tiles.reverse();
    let mut spans = vec![Span {
        node: zoom,
        from: 0.0,
        to: f64::from(width),
        level: tree.depth(zoom),
    }];
    while let Some(span) = spans.pop() {
        if span.level + 1 < levels {
            place_children(model, &span, &mut spans, &mut tiles);
        }
    }
    tiles
}

/// Places what a node called: what is wide enough first, then the rest in one box.
fn place_children(model: &Model, span: &Span, spans: &mut Vec<Span>, tiles: &mut Vec<Tile>) {
    let tree = model.tree();
    let scale = (span.to - span.from) / tree.total(span.node).max(f64::MIN_POSITIVE);
    let is_wide = |node: &NodeId| tree.total(*node) * scale >= 0.75;
    let children = tree
        .children(span.node)
        .filter(|&node| tree.total(node) > 0.0);
    let (mut wide, narrow): (Vec<_>, Vec<_>) = children.partition(is_wide);
    wide.sort_by(|&a, &b| compare(model, model.flame_order, a, b));
    let level = span.level + 1;
    let mut from = span.from;
    for node in wide {
        let to = from + tree.total(node) * scale;
        let (x, width) = columns(from, to);
        if width > 0 {
            let narrow = 0;
            tiles.push(Tile {
                node,
                x,
                width,
                level,
                narrow,
            });
            spans.push(Span {
                node,
                from,
                to,
                level,
            });
        }
        from = to;
    }
    let rest: f64 = narrow.iter().map(|&node| tree.total(node)).sum();
    let (x, width) = columns(from, from + rest * scale);
    if width > 0 {
        tiles.push(Tile {
            node: span.node,
            x,
            width,
            level,
            narrow: narrow.len(),
        });
    }
}

fn columns(from: f64, to: f64) -> (u16, u16) {
    // a terminal has fewer columns than that
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let column = |at: f64| (at + 1e-6).round() as u16;
    (column(from), column(to).saturating_sub(column(from)))
}

/// Which child comes first.
pub(super) fn compare(model: &Model, order: Order, a: NodeId, b: NodeId) -> Ordering {
    let tree = model.tree();
    let by_name = || {
        let name = |node| names::sort_key(model, tree.entry(node));
        name(a).cmp(&name(b)).then(a.cmp(&b))
    };
    match order {
        Order::Name => by_name(),
        Order::Weight => tree.total(b).total_cmp(&tree.total(a)).then_with(by_name),
    }
}

/// Brings the zoomed box into view.
pub fn show_zoom(model: &mut Model) {
    let depth = model.tree().depth(model.cursor.zoom);
    model.flame_level = depth.saturating_sub(2);
}

/// Keeps the levels that are shown within those that there are.
pub(super) fn settle(model: &mut Model) {
    let area = model.areas().body;
    let tiles = tiles(model, area.width, usize::MAX);
    let deepest = tiles
        .iter()
        .map(|tile| tile.level)
        .max()
        .unwrap_or_default();
    let last = (deepest + 1).saturating_sub(area.height.into());
    model.flame_level = model.flame_level.min(last);
}

/// Brings the selected box into view.
pub(super) fn reveal(model: &mut Model) {
    let level = model.tree().depth(model.cursor.selected);
    let height = usize::from(model.areas().body.height).max(1);
    let least = (level + 1).saturating_sub(height);
    model.flame_level = model.flame_level.clamp(least, level.max(least));
}

pub(super) fn scroll(model: &mut Model, direction: Direction) {
    let is_deeper = (direction == Direction::Up) != model.is_icicle;
    model.flame_level = if is_deeper {
        model.flame_level + 3
    } else {
        model.flame_level.saturating_sub(3)
    };
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let deeper = if model.is_icicle {
        Direction::Down
    } else {
        Direction::Up
    };
    let levels = usize::from(model.areas().body.height.max(2) - 1);
    match direction {
        Direction::Up | Direction::Down if direction == deeper => step_deeper(model),
        Direction::Up | Direction::Down => step_up(model),
        Direction::Left => step_aside(model, |tile, from| tile.x < from.x),
        Direction::Right => step_aside(model, |tile, from| tile.x > from.x),
        Direction::PageUp | Direction::PageDown => {
            let is_deeper = (direction == Direction::PageUp) != model.is_icicle;
            for _ in 0..levels {
                if is_deeper {
                    step_deeper(model);
                } else {
                    step_up(model);
                }
            }
        }
        Direction::Home => model.cursor.selected = model.cursor.zoom,
        Direction::End => (0..512).for_each(|_| step_deeper(model)),
    }
    reveal(model);
}

/// Goes to the widest box above.
fn step_deeper(model: &mut Model) {
    let tree = model.tree();
    let children = tree.children(model.cursor.selected);
    let widest = children
        .filter(|&node| tree.total(node) > 0.0)
        .max_by(|&a, &b| tree.total(a).total_cmp(&tree.total(b)).then(b.cmp(&a)));
    if let Some(widest) = widest {
        model.cursor.selected = widest;
    }
}

fn step_up(model: &mut Model) {
    if let Some(parent) = model.tree().parent(model.cursor.selected) {
        model.cursor.selected = parent;
    }
}

/// Goes to the next box on the same level.
fn step_aside(model: &mut Model, is_there: impl Fn(&Tile, &Tile) -> bool) {
    let selected = model.cursor.selected;
    let level = model.tree().depth(selected);
    let tiles = tiles(model, model.areas().body.width, level + 1);
    let is_box = |tile: &&Tile| tile.level == level && tile.narrow == 0;
    let Some(from) = tiles
        .iter()
        .find(|tile| tile.node == selected && tile.narrow == 0)
    else {
        // too narrow to be seen: whatever is there on its level
        if let Some(tile) = tiles.iter().find(is_box) {
            model.cursor.selected = tile.node;
        } else {
            step_up(model);
        }
        return;
    };
    let beside = tiles
        .iter()
        .filter(is_box)
        .filter(|tile| is_there(tile, from));
    if let Some(next) = beside.min_by_key(|tile| tile.x.abs_diff(from.x)) {
        model.cursor.selected = next.node;
    }
}

/// The box at a place of the terminal.
#[must_use]
pub fn tile_at(model: &Model, x: u16, y: u16) -> Option<Tile> {
    let area = model.areas().body;
    if !area.contains((x, y).into()) {
        return None;
    }
    let row = if model.is_icicle {
        y - area.y
    } else {
        area.bottom() - 1 - y
    };
    let level = model.flame_level + usize::from(row);
    let tiles = tiles(model, area.width, level + 1);
    let is_here = |tile: &Tile| tile.level == level && (tile.x..tile.x + tile.width).contains(&x);
    tiles.into_iter().find(is_here)
}

pub(super) fn press(model: &mut Model, x: u16, y: u16) {
    let Some(tile) = tile_at(model, x, y) else {
        return;
    };
    // a box that fills the screen, or is around it, is zoomed by the first click
    if tile.narrow == 0 {
        model.cursor.zoom_to(tile.node);
        model.cursor.selected = tile.node;
    }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    if model.total() <= 0.0 {
        names::draw_nothing(model, area, buffer);
        return;
    }
    let first = model.flame_level;
    let levels = first + usize::from(area.height);
    for tile in tiles(model, area.width, levels) {
        let Some(row) = tile.level.checked_sub(first) else {
            continue;
        };
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let y = if model.is_icicle {
            area.y + row
        } else {
            area.bottom() - 1 - row
        };
        draw_tile(
            model,
            &tile,
            Rect::new(area.x + tile.x, y, tile.width, 1),
            buffer,
        );
    }
}

fn draw_tile(model: &Model, tile: &Tile, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let tree = model.tree();
    if tile.narrow > 0 {
        let line = theme.symbols.narrow.repeat(area.width.into());
        buffer.set_string(area.x, area.y, line, theme.dim());
        return;
    }
    let entry = model.store.entries().get(tree.entry(tile.node));
    let style = if tile.node == model.cursor.selected {
        theme.selected()
    } else if model.is_found(tile.node) {
        theme.found()
    } else {
        theme.filled(entry)
    };
    buffer.set_style(area, style);
    let room = usize::from(area.width).saturating_sub(1);
    let mut label = label(model, tile.node, entry);
    if room < 3 {
        label.clear();
    }
    let label = text::fit(&label, room, theme.symbols);
    let rest = room - text::width(&label);
    let line = format!(
        "{}{label}{}",
        theme.symbols.edge,
        theme.hatch(entry).repeat(rest)
    );
    buffer.set_stringn(area.x, area.y, line, area.width.into(), style);
}

/// A name with the mark of its kind.
fn label(model: &Model, node: NodeId, entry: &Entry) -> String {
    let name = names::name(model, model.tree().entry(node));
    if let (Palette::Mono, Some(function)) = (model.theme.palette, entry.function()) {
        return format!("{} {name}", function.kind.letter());
    }
    let mark = match entry.function().map(|function| function.kind) {
        Some(Kind::Kernel) => "_[k]",
        Some(Kind::Inlined) => "_[i]",
        Some(Kind::Jit) => "_[j]",
        Some(Kind::Waker) => "_[w]",
        _ => "",
    };
    format!("{name}{mark}")
}
