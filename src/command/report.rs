//! `somno report`: a recording as text or JSON.

pub(super) mod unmatched;

use std::fs;

use super::screen::Screen;
use super::{Verbosity, recorded};
use crate::cli::report::Report;
use crate::config::report::{ReportConfig, Shape};
use crate::error::Result;
use crate::event::Weight;
use crate::profile::header::Unit;
use crate::recording::Recording;
use crate::report::functions::{self, Table, share};
use crate::report::look::{Look, Role, percentage};
use crate::report::{foot, head, json, tree};
use crate::view::outline::Outline;
use crate::view::selection::Selection;
use crate::view::tree::Tree;
use crate::view::{threads, top};

/// Groups that are shown, each with a table of its own.
const GROUPS: usize = 10;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Report, screen: Screen, verbosity: Verbosity) -> Result<u8> {
    let config = ReportConfig::new(typed)?;
    let recording = recorded::open(&config.file, verbosity)?;
    let bytes = fs::metadata(&config.file).map_or(0, |file| file.len());
    let filter = config.filters.of(&recording.header)?;
    let began = recording.header.began;
    let selection = Selection::new(&recording.profile, &recording.names, began, &filter);
    unmatched::say_so(&recording, &selection, &filter, verbosity);
    let document = document(&config, &recording, &selection, bytes, screen.look);
    screen.show(&document)?;
    Ok(0)
}

/// Makes the text of a report on what was chosen of a recording of so many bytes.
fn document(
    config: &ReportConfig,
    recording: &Recording,
    selection: &Selection<'_>,
    bytes: u64,
    look: Look,
) -> String {
    // where no event was chosen all are of one unit
    let event = selection.event().unwrap_or_default();
    let unit = recording.header.unit(event.into());
    let body = match &config.shape {
        Shape::Json(top) => return object(recording, selection, bytes, *top),
        Shape::Functions(top) if config.filters.is_grouped => groups(selection, unit, *top, look),
        Shape::Functions(top) => table(selection, unit, *top, look),
        Shape::Calls => calls(&Tree::of_calls(selection), selection.total(), look),
        Shape::Callers(wanted) => match Tree::of_callers(selection, wanted) {
            tree if tree.roots.is_empty() => format!("no sampled function matches `{wanted}`\n"),
            tree => calls(&tree, selection.total(), look),
        },
    };
    let head = head::lines(recording, selection, look).join("\n");
    let foot = foot::lines(recording, look).join("\n");
    format!("{head}\n\n{body}\n{foot}\n")
}

fn object(recording: &Recording, selection: &Selection<'_>, bytes: u64, top: usize) -> String {
    let mut functions = top::hottest(selection);
    functions.truncate(top);
    json::text(recording, bytes, &functions, &threads::busiest(selection))
}

fn table(selection: &Selection<'_>, unit: Unit, top: usize, look: Look) -> String {
    let table = Table {
        functions: &top::hottest(selection),
        total: selection.total(),
        unit,
        modules: selection.profile.modules(),
        top,
    };
    functions::text(&table, look)
}

/// A table a group, the heaviest first; shares are the group's own.
fn groups(selection: &Selection<'_>, unit: Unit, top: usize, look: Look) -> String {
    let groups = top::by_group(selection, GROUPS);
    let total = selection.total();
    let shown: Weight = groups.iter().map(|group| group.total).sum();
    let mut tables = Vec::new();
    for group in &groups {
        let table = Table {
            functions: &group.functions,
            total: group.total,
            unit,
            modules: selection.profile.modules(),
            top,
        };
        let share = percentage(share(group.total, total));
        let label = look.paint(Role::Group, &group.label);
        let table = functions::text(&table, look);
        tables.push(format!("{share}  {label}\n{table}"));
    }
    if shown < total {
        let share = percentage(share(Weight(total.0 - shown.0), total));
        let line = format!("{share}  in groups that are not shown\n");
        tables.push(look.paint(Role::Aside, &line));
    }
    tables.join("\n")
}

fn calls(tree: &Tree<'_>, total: Weight, look: Look) -> String {
    let outline = Outline::new(tree, tree::least(total));
    tree::text(tree, &outline, total, look)
}
