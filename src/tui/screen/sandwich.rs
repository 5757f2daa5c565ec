//! Callers and callees of one function.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustc_hash::FxHashSet;

use super::Screen;
use crate::live::entries::{Entry, EntryId};
use crate::live::interned::Id as _;
use crate::live::rebuild::Rebuilt;
use crate::live::tree::{NodeId, Tree};
use crate::tui::layout::first_line;
use crate::tui::list;
use crate::tui::message::Direction;
use crate::tui::model::Model;
use crate::tui::names;
use crate::tui::search;
use crate::tui::text;

/// Places of the function that are looked at one by one, the heaviest ones.
const PLACES_MAX: usize = 5000;
/// What part of the function something below it must have, to be looked at one by one.
const PART: f64 = 1.0 / 4000.0;
/// Functions that were looked at before.
const BACK_MAX: usize = 100;
/// Lines of one side.
const LINES_MAX: usize = 5000;

/// What is looked at, and where one is in it.
#[derive(Debug, Default)]
pub struct State {
    /// The function.
    pub focus: Option<EntryId>,
    back: Vec<EntryId>,
    sides: Option<Sides>,
    at: Place,
    unfolded: FxHashSet<Place>,
    first: usize,
}

#[derive(Debug)]
struct Sides {
    callers: Tree,
    callees: Tree,
    /// What the function weighs as the leaf, where it was called by itself too.
    own: f64,
}

/// A line, by what leads to it from the function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    side: Side,
    path: Vec<EntryId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Side {
    Callers,
    #[default]
    Focus,
    Callees,
}

struct Line {
    place: Place,
    node: NodeId,
}

impl State {
    /// The function of the selected line.
    #[must_use]
    pub fn selected(&self) -> Option<EntryId> {
        self.at.path.last().copied().or(self.focus)
    }

    /// Tells the functions that it has.
    pub fn hold(&self, held: &mut Vec<EntryId>) {
        held.extend(self.focus);
        held.extend(&self.back);
        held.extend(&self.at.path);
        held.extend(self.unfolded.iter().flat_map(|place| &place.path));
    }

    /// Takes the new numbers of functions.
    pub fn renumber(&mut self, rebuilt: &Rebuilt) {
        let place = |place: &Place| Place {
            side: place.side,
            path: rebuilt.path(&place.path),
        };
        self.focus = self.focus.and_then(|entry| rebuilt.entry(entry));
        self.back = rebuilt.path(&self.back);
        self.at = place(&self.at);
        self.unfolded = self.unfolded.iter().map(place).collect();
        self.sides = None;
    }

    fn side(&self, side: Side) -> Option<&Tree> {
        let sides = self.sides.as_ref()?;
        match side {
            Side::Callers => Some(&sides.callers),
            Side::Focus | Side::Callees => Some(&sides.callees),
        }
    }

    /// What a line weighs as the leaf. Callers are none: what ends there are stacks that are
    /// upside down.
    fn own(&self, line: &Line) -> Option<f64> {
        let sides = self.sides.as_ref()?;
        match line.place.side {
            Side::Callers => None,
            Side::Focus => Some(sides.own),
            Side::Callees => Some(sides.callees.own(line.node)),
        }
    }
}

/// Looks at another function.
pub fn look_at(model: &mut Model, entry: EntryId) {
    let state = &mut model.sandwich;
    if state.focus == Some(entry) {
        return;
    }
    if let Some(before) = state.focus.replace(entry) {
        state.back.push(before);
        let excess = state.back.len().saturating_sub(BACK_MAX);
        state.back.drain(..excess);
    }
    state.at = Place::default();
    state.unfolded.clear();
    model.is_stale = true;
}

pub(super) fn refresh(model: &mut Model) {
    if model.sandwich.focus.is_none() {
        model.sandwich.focus = hottest(model);
    }
    let Some(focus) = model.sandwich.focus else {
        return;
    };
    let rest = model.store.entry(Entry::Rest);
    let tree = model.shown.tree();
    let mut places: Vec<_> = search::outermost(tree, |entry| entry == focus).collect();
    places.sort_by(|&a, &b| tree.total(b).total_cmp(&tree.total(a)));
    let whole: f64 = places.iter().map(|&node| tree.total(node)).sum();
    let all = tree.nodes().filter(|&node| tree.entry(node) == focus);
    let mut sides = Sides {
        callers: Tree::new(focus),
        callees: Tree::new(focus),
        own: all.map(|node| tree.own(node)).sum(),
    };
    for (at, &node) in places.iter().enumerate() {
        if at < PLACES_MAX {
            add_callers(tree, node, &mut sides.callers);
            add_callees(tree, node, whole * PART, rest, &mut sides.callees);
        } else {
            for side in [&mut sides.callers, &mut sides.callees] {
                let rest = side.child(Tree::root(), rest);
                side.add(rest, tree.total(node));
            }
        }
    }
    model.sandwich.sides = Some(sides);
}

/// The function with most samples of its own.
fn hottest(model: &Model) -> Option<EntryId> {
    let mut own = vec![0.0; model.store.entries().len()];
    for node in model.tree().nodes() {
        own[model.tree().entry(node).index()] += model.tree().own(node);
    }
    let functions = model.store.entries().iter();
    let functions = functions.filter(|(_, entry)| entry.function().is_some());
    let hottest = functions.max_by(|a, b| own[a.0.index()].total_cmp(&own[b.0.index()]));
    hottest.map(|(entry, _)| entry)
}

fn add_callers(tree: &Tree, node: NodeId, callers: &mut Tree) {
    let mut at = Tree::root();
    let mut above = tree.parent(node);
    while let Some(caller) = above.filter(|&caller| caller != Tree::root()) {
        at = callers.child(at, tree.entry(caller));
        above = tree.parent(caller);
    }
    callers.add(at, tree.total(node));
}

fn add_callees(tree: &Tree, node: NodeId, least: f64, rest: EntryId, callees: &mut Tree) {
    let mut waiting = vec![(node, Tree::root())];
    while let Some((from, to)) = waiting.pop() {
        callees.add(to, tree.own(from));
        let mut small = 0.0;
        for child in tree.children(from) {
            if tree.total(child) >= least {
                waiting.push((child, callees.child(to, tree.entry(child))));
            } else {
                small += tree.total(child);
            }
        }
        if small > 0.0 {
            let rest = callees.child(to, rest);
            callees.add(rest, small);
        }
    }
}

/// Callers, the function, callees.
fn lines(model: &Model) -> Vec<Line> {
    let mut lines = side_lines(model, Side::Callers);
    lines.push(Line {
        place: Place::default(),
        node: Tree::root(),
    });
    lines.extend(side_lines(model, Side::Callees));
    lines
}

fn side_lines(model: &Model, side: Side) -> Vec<Line> {
    let state = &model.sandwich;
    let Some(tree) = state.side(side) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut waiting = Vec::new();
    push_children(
        tree,
        Tree::root(),
        &Place {
            side,
            path: Vec::new(),
        },
        &mut waiting,
    );
    while let Some(line) = waiting.pop() {
        if state.unfolded.contains(&line.place) {
            push_children(tree, line.node, &line.place, &mut waiting);
        }
        lines.push(line);
        if lines.len() >= LINES_MAX {
            break;
        }
    }
    lines
}

/// Puts the lines below one on a stack, so that the heaviest comes from it first.
fn push_children(tree: &Tree, node: NodeId, place: &Place, waiting: &mut Vec<Line>) {
    let mut children: Vec<_> = tree
        .children(node)
        .filter(|&it| tree.total(it) > 0.0)
        .collect();
    children.sort_by(|&a, &b| tree.total(a).total_cmp(&tree.total(b)).then(b.cmp(&a)));
    waiting.extend(children.into_iter().map(|node| {
        let mut path = place.path.clone();
        path.push(tree.entry(node));
        let side = place.side;
        Line {
            place: Place { side, path },
            node,
        }
    }));
}

/// The selected line, or else what it is folded into, or the function.
fn position(model: &Model, lines: &[Line]) -> usize {
    let mut place = model.sandwich.at.clone();
    loop {
        if let Some(found) = lines.iter().position(|line| line.place == place) {
            return found;
        }
        if place.path.pop().is_none() || place.path.is_empty() {
            let focus = lines.iter().position(|line| line.place.side == Side::Focus);
            return focus.unwrap_or_default();
        }
    }
}

fn height(model: &Model) -> usize {
    usize::from(model.areas().body.height.saturating_sub(1))
}

pub(super) fn settle(model: &mut Model) {
    let lines = lines(model);
    let selected = position(model, &lines);
    let height = height(model);
    let state = &mut model.sandwich;
    state.first = first_line(state.first, selected, height, lines.len());
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let lines = lines(model);
    let from = position(model, &lines);
    let place = lines[from].place.clone();
    match direction {
        Direction::Right => {
            model.sandwich.unfolded.insert(place);
        }
        Direction::Left => {
            let state = &mut model.sandwich;
            if !state.unfolded.remove(&place) && place.path.len() > 1 {
                state.at.path.pop();
            }
        }
        _ => {
            let to = list::moved(from, lines.len(), height(model), direction);
            model.sandwich.at = lines[to].place.clone();
        }
    }
}

pub(super) fn enter(model: &mut Model) {
    let selected = model.sandwich.selected();
    let is_function = |&entry: &EntryId| model.store.entries().get(entry).function().is_some();
    if let Some(entry) = selected.filter(is_function) {
        look_at(model, entry);
    }
}

pub(super) fn back(model: &mut Model) -> bool {
    let state = &mut model.sandwich;
    if let Some(before) = state.back.pop() {
        state.focus = Some(before);
        state.at = Place::default();
    } else if model.before == Screen::Sandwich {
        return false;
    } else {
        model.screen = model.before;
    }
    model.is_stale = true;
    true
}

pub(super) fn press(model: &mut Model, row: usize) {
    let lines = lines(model);
    let Some(row) = row.checked_sub(1) else {
        return;
    };
    let Some(line) = lines.get(model.sandwich.first + row) else {
        return;
    };
    let state = &mut model.sandwich;
    if state.at == line.place && !state.unfolded.remove(&line.place) {
        state.unfolded.insert(line.place.clone());
    }
    state.at = line.place.clone();
}

/// What is known of the selected function.
#[must_use]
pub fn describe(model: &Model) -> Option<String> {
    let lines = lines(model);
    let line = &lines[position(model, &lines)];
    let tree = model.sandwich.side(line.place.side)?;
    let (entry, total) = (tree.entry(line.node), tree.total(line.node));
    let own = model.sandwich.own(line);
    Some(names::describe(model, entry, total, own))
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let Some(callees) = model.sandwich.side(Side::Callees) else {
        names::draw_nothing(model, area, buffer);
        return;
    };
    let whole = callees.total(Tree::root());
    list::draw_tree_head(
        model,
        area,
        "callers, function, callees (shares of the function)",
        buffer,
    );
    let lines = lines(model);
    let selected = position(model, &lines);
    let shown = lines.iter().enumerate().skip(model.sandwich.first);
    for (y, (at, line)) in (area.y + 1..area.bottom()).zip(shown) {
        let row = Rect::new(area.x, y, area.width, 1);
        if line.place.side == Side::Focus {
            draw_focus(model, at == selected, row, buffer);
        } else {
            draw_side(model, line, at == selected, whole, row, buffer);
        }
    }
}

fn draw_side(
    model: &Model,
    line: &Line,
    is_selected: bool,
    whole: f64,
    row: Rect,
    buffer: &mut Buffer,
) {
    let Some(tree) = model.sandwich.side(line.place.side) else {
        return;
    };
    let has_children = tree.children(line.node).next().is_some();
    let is_unfolded = model.sandwich.unfolded.contains(&line.place);
    let item = list::TreeItem {
        entry: tree.entry(line.node),
        total: tree.total(line.node),
        own: model.sandwich.own(line),
        depth: line.place.path.len(),
        fold: list::Fold::of(has_children, is_unfolded),
        is_selected,
    };
    list::draw_tree_item(model, &item, whole, row, buffer);
}

/// The function between its callers and callees, with its share of everything.
fn draw_focus(model: &Model, is_selected: bool, row: Rect, buffer: &mut Buffer) {
    let (Some(focus), Some(tree)) = (model.sandwich.focus, model.sandwich.side(Side::Focus)) else {
        return;
    };
    let share = text::percent(tree.total(Tree::root()), model.total());
    let before = format!("{} {share} of all: ", model.theme.symbols.separator);
    let line = list::Line {
        before: &before,
        entry: focus,
        behind: "",
        is_selected,
    };
    list::draw_line(model, &line, row, buffer);
    if !is_selected {
        buffer.set_style(row, model.theme.bar());
    }
}
