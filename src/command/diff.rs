//! `somno diff`: two recordings, compared.

use super::output::Output;
use super::screen::Screen;
use super::{Verbosity, recorded, say};
use crate::cli::diff::Diff as Typed;
use crate::config::diff::DiffConfig;
use crate::config::output::Destination;
use crate::error::Result;
use crate::export::differential;
use crate::recording::Recording;
use crate::report::diff as report;
use crate::text;
use crate::view::diff::Diff;
use crate::view::selection::{Filter, Selection};

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Typed, screen: Screen, verbosity: Verbosity) -> Result<u8> {
    let config = DiffConfig::new(typed)?;
    let output = config.output.as_ref().map(Output::open).transpose()?;
    let before = recorded::open_and_say(&config.before, verbosity)?;
    let after = recorded::open_and_say(&config.after, verbosity)?;
    let filters = (
        config.filters.of(&before.header)?,
        config.filters.of(&after.header)?,
    );
    let selections = (selected(&before, &filters.0), selected(&after, &filters.1));
    let diff = Diff::new(&selections.0, &selections.1);
    if let Some(output) = output {
        let name = output.name();
        let sides = (&selections.0, &selections.1);
        draw(output, (&before, &after), sides, &diff)?;
        if config.output == Some(Destination::Stdout) {
            return Ok(0);
        }
        if verbosity > Verbosity::Quiet {
            say(&format!("somno: wrote {name}"));
        }
    }
    let subject = report::Subject {
        diff: &diff,
        before: &before.header,
        after: &after.header,
        threshold: config.threshold,
    };
    screen.show(&report::text(&subject, screen.look))?;
    Ok(0)
}

fn selected<'a>(recording: &'a Recording, filter: &Filter) -> Selection<'a> {
    let began = recording.header.began;
    Selection::new(&recording.profile, &recording.names, began, filter)
}

fn draw(
    output: Output,
    recordings: (&Recording, &Recording),
    selections: (&Selection<'_>, &Selection<'_>),
    diff: &Diff,
) -> Result<()> {
    let targets = (
        text::clean(&recordings.0.header.target),
        text::clean(&recordings.1.header.target),
    );
    let title = if targets.0 == targets.1 {
        targets.1
    } else {
        format!("{} compared with {}", targets.1, targets.0)
    };
    let event = selections.1.rows().first().map_or(0, |row| row.event);
    let subject = differential::Subject {
        before: selections.0,
        after: selections.1,
        unit: recordings.1.header.unit(usize::from(event)),
        title: &title,
        remark: &report::remark_of(diff),
    };
    output.write(|to| differential::write(&subject, to))?;
    Ok(())
}
