//! What lists and trees have in common.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::message::{Direction, Turn};
use super::model::Model;
use super::names;
use super::text;
use super::theme::shade;
use crate::live::entries::{Entry, EntryId};

/// Columns of a share.
pub const SHARE: usize = 7;
/// Columns of a bar.
const BAR: usize = 8;
/// From here on there is room for more than the most important columns.
pub const WIDE: u16 = 60;

/// Where a move in a list of so many lines leads.
#[must_use]
pub fn moved(from: usize, count: usize, page: usize, direction: Direction) -> usize {
    let page = page.saturating_sub(1).max(1);
    let to = match direction {
        Direction::Up => from.saturating_sub(1),
        Direction::Down => from + 1,
        Direction::PageUp => from.saturating_sub(page),
        Direction::PageDown => from + page,
        Direction::Home => 0,
        Direction::End => usize::MAX,
        Direction::Left | Direction::Right => from,
    };
    to.min(count.saturating_sub(1))
}

/// What comes next, or before, in a circle; none where there is nothing.
#[must_use]
pub fn turned(at: Option<usize>, count: usize, turn: Turn) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match (at, turn) {
        (None, Turn::Forth) => 0,
        (None, Turn::Back) => last,
        (Some(at), Turn::Forth) => (at + 1) % count,
        (Some(at), Turn::Back) => at.checked_sub(1).unwrap_or(last),
    })
}

/// Whether a line has something below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Something that is not shown.
    Folded,
    /// Something that is shown.
    Unfolded,
    /// Nothing.
    Leaf,
}

impl Fold {
    /// What it is of a line.
    #[must_use]
    pub fn of(has_children: bool, is_unfolded: bool) -> Self {
        match (has_children, is_unfolded) {
            (false, _) => Self::Leaf,
            (true, false) => Self::Folded,
            (true, true) => Self::Unfolded,
        }
    }
}

/// A line of a tree.
#[derive(Clone, Copy, Debug)]
pub struct TreeItem {
    /// What it stands for.
    pub entry: EntryId,
    /// Weights here and below.
    pub total: f64,
    /// Weights that end here as the leaf, where that is what ends here.
    pub own: Option<f64>,
    /// How far it is indented.
    pub depth: usize,
    /// Whether something is below.
    pub fold: Fold,
    /// Whether it is selected.
    pub is_selected: bool,
}

/// The column of a line's mark, which folds and unfolds it.
#[must_use]
pub fn mark_column(width: u16, depth: usize) -> usize {
    let columns = SHARE + if width >= WIDE { SHARE + BAR + 2 } else { 0 };
    columns + 1 + indent(width, depth)
}

/// Deep lines are not indented further than there is room for names.
fn indent(width: u16, depth: usize) -> usize {
    depth.min(usize::from(width) / 3)
}

/// Draws what the columns of a tree are.
pub fn draw_tree_head(model: &Model, area: Rect, title: &str, buffer: &mut Buffer) {
    let columns = if area.width >= WIDE {
        format!("{:>SHARE$}{:>SHARE$}  {:BAR$} {title}", "total", "self", "")
    } else {
        format!("{:>SHARE$} {title}", "total")
    };
    text::write(
        buffer,
        area,
        &columns,
        model.theme.dim(),
        model.theme.symbols,
    );
}

/// Draws a line of a tree with its share of a whole.
pub fn draw_tree_item(model: &Model, item: &TreeItem, whole: f64, area: Rect, buffer: &mut Buffer) {
    let symbols = model.theme.symbols;
    let total = text::percent(item.total, whole);
    let columns = if area.width >= WIDE {
        let own = item
            .own
            .map_or_else(String::new, |own| text::percent(own, whole));
        let bar = bar(model, item.total / whole.max(f64::MIN_POSITIVE), BAR);
        format!("{total:>SHARE$}{own:>SHARE$}  {bar} ")
    } else {
        format!("{total:>SHARE$} ")
    };
    let mark = symbols.folds[match item.fold {
        Fold::Folded => 0,
        Fold::Unfolded => 1,
        Fold::Leaf => 2,
    }];
    let before = format!(
        "{columns}{}{mark} ",
        " ".repeat(indent(area.width, item.depth))
    );
    let line = Line {
        before: &before,
        entry: item.entry,
        behind: "",
        is_selected: item.is_selected,
    };
    draw_line(model, &line, area, buffer);
}

/// A line with the name of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What stands before the name.
    pub before: &'a str,
    /// Whose name.
    pub entry: EntryId,
    /// What stands at the end of the line.
    pub behind: &'a str,
    /// Whether it is selected.
    pub is_selected: bool,
}

/// Draws a line with the letter of the entry's kind and its name.
pub fn draw_line(model: &Model, line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let style = if line.is_selected {
        theme.selected()
    } else {
        theme.plain()
    };
    text::write(buffer, area, line.before, style, theme.symbols);
    let behind = text::width(line.behind);
    let mut x = area.x + columns(text::width(line.before)).min(area.width);
    let end = area.right().saturating_sub(columns(behind));
    let kind = match model.store.entries().get(line.entry) {
        Entry::Function(function) => Some(function.kind),
        _ => None,
    };
    if let Some(kind) = kind {
        let letter = if line.is_selected {
            style
        } else {
            theme.letter(kind)
        };
        buffer.set_stringn(
            x,
            area.y,
            kind.letter().to_string(),
            end.saturating_sub(x).into(),
            letter,
        );
        x += 2;
    }
    let name = if model.is_entry_found(line.entry) && !line.is_selected {
        theme.found()
    } else {
        style
    };
    let room = usize::from(end.saturating_sub(x));
    let text = text::fit(&names::name(model, line.entry), room, theme.symbols);
    buffer.set_stringn(x.min(area.right()), area.y, text, room, name);
    if behind > 0 && end > area.x {
        buffer.set_stringn(end, area.y, line.behind, behind, style);
    }
}

/// A bar of so many columns for a share.
#[must_use]
pub fn bar(model: &Model, share: f64, columns: usize) -> String {
    let parts = model.theme.symbols.parts;
    let steps = parts.len() - 1;
    let filled = share.clamp(0.0, 1.0) * (columns * steps) as f64;
    // it is between nothing and all of them
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let filled = filled.round() as usize;
    let mut bar = parts[steps].repeat(filled / steps);
    bar.push_str(parts[filled % steps]);
    let used = filled.div_ceil(steps);
    bar.push_str(&" ".repeat(columns - used));
    bar
}

/// A line of levels for sums, the highest one full.
#[must_use]
pub fn sparkline(model: &Model, sums: &[f32], highest: f32) -> String {
    let level = |sum: &f32| {
        shade(
            &model.theme.symbols.levels,
            f64::from(sum / highest.max(1e-9)),
        )
    };
    sums.iter().map(level).collect()
}

fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that moves stay within lists, also empty ones.
    #[test]
    fn moves_stay_inside() {
        for (from, count, direction, to) in [
            (0, 5, Direction::Up, 0),
            (4, 5, Direction::Down, 4),
            (1, 9, Direction::PageDown, 4),
            (8, 9, Direction::PageUp, 5),
            (3, 9, Direction::End, 8),
            (3, 0, Direction::End, 0),
        ] {
            assert_eq!(moved(from, count, 4, direction), to);
        }
        assert_eq!(turned(Some(4), 5, Turn::Forth), Some(0));
        assert_eq!(turned(None, 5, Turn::Back), Some(4));
        assert_eq!(turned(None, 0, Turn::Forth), None);
    }
}
