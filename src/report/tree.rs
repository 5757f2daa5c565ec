//! A call tree as text.

use std::fmt::Write as _;

use super::functions::share;
use super::look::{Look, Role, percentage};
use crate::event::Weight;
use crate::text::counted;
use crate::view::merged::Order;
use crate::view::outline::{Item, Line, Outline};
use crate::view::tree::{Node, NodeId, Tree, What};

/// Columns of a figure.
const FIGURE: usize = 7;
/// Columns that a name has at least, however deep it is.
const NAME: usize = 20;
/// What is less than one in so many is hidden: 0.5 %.
const LEAST_PART: u64 = 200;

/// Guides of a tree: more follows below, an entry, the last entry, nothing.
struct Guides {
    through: &'static str,
    entry: &'static str,
    last: &'static str,
}

const LINES: Guides = Guides {
    through: "│ ",
    entry: "├ ",
    last: "└ ",
};
const ASCII: Guides = Guides {
    through: "| ",
    entry: "|-",
    last: "`-",
};

/// What weighs less is hidden.
#[must_use]
pub fn least(total: Weight) -> Weight {
    Weight(total.0.div_ceil(LEAST_PART))
}

/// Makes a row a place: total, self, and the name under its caller. What is all that its
/// caller calls stands below it at the same level, without figures. Of callers there is no
/// self: what ends there are stacks that are upside down.
#[must_use]
pub fn text(tree: &Tree<'_>, outline: &Outline, total: Weight, look: Look) -> String {
    let heading = |text| look.paint(Role::Heading, text);
    let total_heading = format!("  {}", heading("total"));
    let own_heading = format!("   {}", heading("self"));
    let line = figures(tree.order, &total_heading, &own_heading);
    let mut text = line.trim_end().to_owned() + "\n";
    for line in &outline.lines {
        let row = row(tree, line, total, look);
        writeln!(text, "{}", row.trim_end()).expect("a string takes everything");
    }
    if outline.hidden > 0 {
        let line = format!(
            "hidden: {} below {}% each, together {}",
            counted(outline.hidden, "place"),
            100.0 / LEAST_PART as f64,
            percentage(share(outline.hidden_weight, total)).trim_start()
        );
        writeln!(text, "{}", look.paint(Role::Aside, &line)).expect("a string takes everything");
    }
    text
}

fn row(tree: &Tree<'_>, line: &Line, total: Weight, look: Look) -> String {
    let of = |weight| share(weight, total);
    let figure = |weight| {
        let share = of(weight);
        look.paint(Role::Share(share), &percentage(share))
    };
    match line.item {
        Item::Node(id) | Item::Link(id, _) => {
            let node = tree.node(id);
            let is_link = matches!(line.item, Item::Link(..));
            let totals = if is_link {
                " ".repeat(FIGURE)
            } else {
                figure(node.total)
            };
            let own = if node.own > Weight(0) {
                figure(node.own)
            } else {
                " ".repeat(FIGURE)
            };
            let figures = figures(tree.order, &totals, &own);
            let (guides, columns) = guides(line, is_link, tree.order, look);
            let times = match line.item {
                Item::Link(_, times) if times > 1 => format!(" x{times}"),
                _ => String::new(),
            };
            let columns = columns.map(|columns| columns.saturating_sub(times.len()));
            let name = name(tree, id, columns, look) + &look.paint(Role::Aside, &times);
            format!("{figures}{guides}{name}")
        }
        Item::Hidden(count, weight) => {
            let figures = figures(tree.order, &figure(weight), &" ".repeat(FIGURE));
            let (guides, _) = guides(line, false, tree.order, look);
            let what = look.paint(Role::Aside, &format!("({count} more, hidden)"));
            format!("{figures}{guides}{what}")
        }
    }
}

/// The figures of a row, as many as a tree of this order has, and what is between them and the
/// tree.
fn figures(order: Order, total: &str, own: &str) -> String {
    match order {
        Order::FromRoot => format!("{total} {own}  "),
        Order::FromLeaf => format!("{total}  "),
    }
}

/// What leads to a row's name, and the columns that are left for that.
fn guides(line: &Line, is_link: bool, order: Order, look: Look) -> (String, Option<usize>) {
    let guides = if look.unicode { LINES } else { ASCII };
    let mut text = String::new();
    // roots have no line between them
    let inner = line.guides.get(1..).unwrap_or_default();
    for (level, more) in inner.iter().enumerate() {
        let is_last = level + 1 == inner.len();
        text += match (is_last && !is_link, more) {
            (true, true) => guides.entry,
            (true, false) => guides.last,
            (false, true) => guides.through,
            (false, false) => "  ",
        };
    }
    let blank = " ".repeat(FIGURE);
    let taken = figures(order, &blank, &blank).len() + 2 * inner.len();
    let columns = look.width.map(|all| all.saturating_sub(taken).max(NAME));
    (look.paint(Role::Aside, &text), columns)
}

fn name(tree: &Tree<'_>, id: NodeId, columns: Option<usize>, look: Look) -> String {
    let node: &Node = tree.node(id);
    match (&node.what, tree.function(node)) {
        (_, Some(function)) => look.name(function.name, columns),
        (What::Group(label), None) => look.paint(Role::Group, label),
        (What::Function(_), None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::view::fixture::{Builder, everything};
    use regex::Regex;

    fn drawn(tree: &Tree<'_>, total: Weight, look: Look) -> String {
        text(tree, &Outline::new(tree, least(total)), total, look)
    }

    fn tree_of(recording: &Recording, look: Look) -> String {
        let selection = everything(recording);
        drawn(&Tree::of_calls(&selection), selection.total(), look)
    }

    fn recording() -> Recording {
        Builder::new()
            .stack(&["_start", "main", "a", "b"], 600)
            .stack(&["_start", "main", "c"], 297)
            .stack(&["_start", "main", "c", "d_[k]"], 100)
            .stack(&["_start", "main", "e"], 3)
            .build()
    }

    /// Check a tree with guides, a chain, and what is hidden.
    #[test]
    fn calls_are_drawn() {
        let look = Look {
            unicode: true,
            ..Look::default()
        };
        assert_eq!(
            tree_of(&recording(), look),
            "  total    self
 100.0%          program
                 _start
                 main
  60.0%          ├ a
          60.0%  │ b
  39.7%   29.7%  └ c
  10.0%   10.0%    └ d_[k]
hidden: 1 place below 0.5% each, together 0.3%
"
        );
        assert!(tree_of(&recording(), Look::default()).contains("`-c"));
    }

    /// Check that callers have no share of their own, which the ends of their stacks are not.
    #[test]
    fn callers_are_drawn() {
        let recording = recording();
        let selection = everything(&recording);
        let wanted = Regex::new("^c$").expect("it is a pattern");
        let tree = Tree::of_callers(&selection, &wanted);
        assert_eq!(
            drawn(&tree, selection.total(), Look::default()),
            "  total
  39.7%  c
         main
         _start
         program
"
        );
    }

    /// Check that names are cut to the terminal, and that hostile ones are harmless.
    #[test]
    fn names_fit() {
        let long = "n\x1b;\n".repeat(200);
        let recording = Builder::new().stack(&["main", &long], 1).build();
        let look = Look {
            unicode: true,
            color: false,
            width: Some(50),
        };
        let text = tree_of(&recording, look);
        assert!(!text.contains('\x1b') && !text.contains(';'));
        assert!(
            text.lines()
                .all(|line| super::super::look::width(line) <= 50)
        );
    }

    /// Check that a tree of nothing is empty.
    #[test]
    fn nothing_is_drawn() {
        assert_eq!(
            tree_of(&Builder::new().build(), Look::default()),
            "  total    self\n"
        );
    }
}
