//! The call tree, to fold and unfold.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::flame;
use crate::live::entries::EntryId;
use crate::live::tree::{NodeId, Tree};
use crate::tui::layout::first_line;
use crate::tui::list;
use crate::tui::message::{Direction, Turn};
use crate::tui::model::Model;
use crate::tui::names;
use crate::tui::search;

/// Lines of the tree at most.
const LINES_MAX: usize = 20_000;
/// Matches of a search that are gone through, heaviest first.
const MATCHES_MAX: usize = 1000;
/// What part of its caller something must have, to be unfolded as hot.
const HOT: f64 = 0.4;

/// A line of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Which node.
    pub node: NodeId,
    /// How far below the first one.
    pub depth: usize,
}

/// The lines that are unfolded.
#[must_use]
pub fn lines(model: &Model) -> Vec<Line> {
    let tree = model.tree();
    let zoom = model.cursor.zoom;
    let mut lines = Vec::new();
    let mut waiting = vec![Line {
        node: zoom,
        depth: 0,
    }];
    while let Some(line) = waiting.pop() {
        lines.push(line);
        if lines.len() >= LINES_MAX {
            break;
        }
        if line.node == zoom || model.cursor.unfolded.contains(&line.node) {
            let mut children = children(model, line.node);
            children.reverse();
            let depth = line.depth + 1;
            let below = children.into_iter().map(|node| Line { node, depth });
            waiting.extend(below);
        }
    }
    debug_assert!(tree.len() >= lines.len().min(LINES_MAX));
    lines
}

/// What a node called, in the order that is wanted; a selected one also where it has
/// no samples now.
fn children(model: &Model, node: NodeId) -> Vec<NodeId> {
    let tree = model.tree();
    let is_seen = |node: &NodeId| tree.total(*node) > 0.0 || *node == model.cursor.selected;
    let mut children: Vec<_> = tree.children(node).filter(is_seen).collect();
    children.sort_by(|&a, &b| flame::compare(model, model.tree_order, a, b));
    children
}

/// The line of the selected node, or else of what it is folded into.
fn position(model: &Model, lines: &[Line]) -> usize {
    let tree = model.tree();
    let mut node = Some(model.cursor.selected);
    while let Some(at) = node {
        if let Some(found) = lines.iter().position(|line| line.node == at) {
            return found;
        }
        node = tree.parent(at);
    }
    0
}

pub(super) fn settle(model: &mut Model) {
    let lines = lines(model);
    let selected = position(model, &lines);
    model.cursor.selected = lines[selected].node;
    let height = rows(model);
    model.tree_line = first_line(model.tree_line, selected, height, lines.len());
}

/// Lines of the tree that the terminal has.
fn rows(model: &Model) -> usize {
    usize::from(model.areas().body.height.saturating_sub(1))
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    match direction {
        Direction::Right => unfold(model),
        Direction::Left => fold(model),
        _ => {
            let lines = lines(model);
            let from = position(model, &lines);
            let to = list::moved(from, lines.len(), rows(model), direction);
            model.cursor.selected = lines[to].node;
        }
    }
}

/// Unfolds the selected node, or goes into it where it is unfolded.
fn unfold(model: &mut Model) {
    let node = model.cursor.selected;
    let first = children(model, node).first().copied();
    let is_unfolded = node == model.cursor.zoom || model.cursor.unfolded.contains(&node);
    match first {
        Some(first) if is_unfolded => model.cursor.selected = first,
        Some(_) => model.cursor.unfold(node),
        None => {}
    }
}

/// Folds the selected node, or goes to what called it where it is folded.
fn fold(model: &mut Model) {
    let node = model.cursor.selected;
    let is_root = node == Tree::root();
    let was_unfolded = !is_root && model.cursor.unfolded.remove(&node);
    if !was_unfolded && node != model.cursor.zoom {
        model.cursor.selected = model.tree().parent(node).unwrap_or(node);
    }
}

/// Unfolds the hottest path below the selected node.
pub fn unfold_hottest(model: &mut Model) {
    let mut node = model.cursor.selected;
    loop {
        model.cursor.unfold(node);
        let tree = model.tree();
        let hottest = children(model, node).into_iter();
        let hottest = hottest.max_by(|&a, &b| tree.total(a).total_cmp(&tree.total(b)));
        match hottest {
            Some(next) if node == Tree::root() || tree.total(next) >= HOT * tree.total(node) => {
                node = next;
            }
            _ => return,
        }
    }
}

/// Goes to the next match of the search in flame graph and tree, heaviest first.
pub(super) fn next_match(model: &mut Model, turn: Turn) {
    let tree = model.tree();
    let mut matches: Vec<_> = search::outermost(tree, |entry| model.is_entry_found(entry))
        .filter(|&node| tree.total(node) > 0.0)
        .collect();
    matches.sort_by(|&a, &b| tree.total(b).total_cmp(&tree.total(a)).then(a.cmp(&b)));
    matches.truncate(MATCHES_MAX);
    let at = matches
        .iter()
        .position(|&node| node == model.cursor.selected);
    let Some(next) = list::turned(at, matches.len(), turn) else {
        model.say("nothing matches");
        return;
    };
    go_to(model, matches[next]);
    model.say(format!("match {} of {}", next + 1, matches.len()));
}

/// Selects a node wherever it is: out of the zoom, into what is folded.
fn go_to(model: &mut Model, node: NodeId) {
    model.cursor.selected = node;
    let mut above = model.tree().parent(node);
    let mut is_in_zoom = node == model.cursor.zoom;
    while let Some(at) = above {
        model.cursor.unfold(at);
        is_in_zoom |= at == model.cursor.zoom;
        above = model.tree().parent(at);
    }
    if !is_in_zoom {
        model.cursor.zoom_to(Tree::root());
        model.cursor.selected = node;
    }
    flame::reveal(model);
}

/// The node of a path of functions: below the heaviest group that has most of it.
#[must_use]
pub fn find_below_groups(tree: &Tree, path: &[EntryId], has_group: bool) -> NodeId {
    if !has_group {
        return tree.follow(path);
    }
    if path.is_empty() {
        return Tree::root();
    }
    let groups = tree.children(Tree::root()).map(|group| {
        let mut whole = vec![tree.entry(group)];
        whole.extend(path);
        tree.follow(&whole)
    });
    let best = groups.max_by(|&a, &b| {
        let by_total = tree.total(a).total_cmp(&tree.total(b));
        tree.depth(a).cmp(&tree.depth(b)).then(by_total)
    });
    best.unwrap_or(Tree::root())
}

/// Unfolds what leads to a node.
pub fn unfold_to(model: &mut Model, node: NodeId) {
    let mut above = model.tree().parent(node);
    while let Some(at) = above {
        model.cursor.unfold(at);
        above = model.tree().parent(at);
    }
}

pub(super) fn press(model: &mut Model, x: u16, row: usize) {
    let lines = lines(model);
    let Some(row) = row.checked_sub(1) else {
        return;
    };
    let Some(line) = lines.get(model.tree_line + row) else {
        return;
    };
    let was_selected = model.cursor.selected == line.node;
    model.cursor.selected = line.node;
    let mark = list::mark_column(model.size.width, line.depth);
    if was_selected || usize::from(x).abs_diff(mark) <= 1 {
        if model.cursor.unfolded.contains(&line.node) {
            fold(model);
        } else {
            model.cursor.unfold(line.node);
        }
    }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    if model.total() <= 0.0 {
        names::draw_nothing(model, area, buffer);
        return;
    }
    let tree = model.tree();
    let lines = lines(model);
    list::draw_tree_head(model, area, "call tree", buffer);
    let shown = lines.iter().skip(model.tree_line).take(rows(model));
    for (y, line) in (area.y + 1..area.bottom()).zip(shown) {
        let has_children = tree.children(line.node).any(|node| tree.total(node) > 0.0);
        let is_unfolded =
            line.node == model.cursor.zoom || model.cursor.unfolded.contains(&line.node);
        let item = list::TreeItem {
            entry: tree.entry(line.node),
            total: tree.total(line.node),
            own: Some(tree.own(line.node)),
            depth: line.depth,
            fold: list::Fold::of(has_children, is_unfolded),
            is_selected: line.node == model.cursor.selected,
        };
        let row = Rect::new(area.x, y, area.width, 1);
        list::draw_tree_item(model, &item, model.total(), row, buffer);
    }
}
