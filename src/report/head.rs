//! The lines above a report: what was sampled, and how much of it is shown.

use super::look::{Look, Role};
use super::summary;
use crate::event::Weight;
use crate::profile::header::{Header, Unit};
use crate::recording::Recording;
use crate::text::{self, counted};
use crate::view::selection::Selection;

/// What was sampled, and what part of it was chosen, where not all is.
#[must_use]
pub fn lines(recording: &Recording, selection: &Selection<'_>, look: Look) -> Vec<String> {
    let header = &recording.header;
    let all = recording.profile.rows().len();
    let target = text::clean(&header.target);
    let target = match look.width {
        Some(columns) => look.shorten(&target, columns),
        None => target.as_str().into(),
    };
    let mut lines = vec![
        look.paint(Role::Group, &target),
        summary::remark(header, &recording.totals, &recording.tally),
    ];
    lines.extend(recording.cut.map(summary::cut));
    lines.extend(summary::left_out(recording));
    let chosen = selection.rows().len();
    if chosen < all {
        let share = chosen as f64 / all.max(1) as f64;
        let share = summary::percent(share);
        let mut line = format!("chosen: {chosen} of {all} samples, {share}");
        if header.events.len() > 1 {
            let event = selection.event();
            let event = event.and_then(|event| header.events.get(usize::from(event)));
            if let Some(event) = event {
                line = line + ", of " + &event.name;
            }
            line = line + "; --event chooses among " + &header.event_names();
        }
        lines.push(line);
    }
    lines
}

/// A weight as people say it: time where it is known, or else samples.
#[must_use]
pub fn amount(header: &Header, event: usize, weight: Weight) -> String {
    match (header.unit(event), header.time(event, weight)) {
        (Unit::Nanoseconds, Some(time)) => summary::span(time),
        (_, Some(time)) => format!("{}, {}", counted(weight.0, "sample"), summary::span(time)),
        (_, None) => counted(weight.0, "sample"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Tid;
    use crate::recording::Cut;
    use crate::view::fixture::{Builder, everything, selected};
    use crate::view::selection::Filter;

    /// Check that it is said when not everything is shown, or there.
    #[test]
    fn a_part_is_called_one() {
        let mut recording = Builder::new().stack(&["main"], 4).build();
        let look = Look::default();
        assert_eq!(
            lines(&recording, &everything(&recording), look),
            [
                "program",
                "cpu-clock, 1000 Hz for 0.0 s: 4 samples, 100.0% of user stacks complete"
            ]
        );
        let filter = Filter {
            tids: vec![Tid(9)],
            ..Filter::default()
        };
        recording.cut = Some(Cut { offset: 99 });
        let lines = lines(&recording, &selected(&recording, &filter), look);
        assert_eq!(
            lines[2..],
            [
                "this recording is not whole: it ends at byte 99, and what was lost is not known",
                "chosen: 0 of 4 samples, 0.0%"
            ]
        );
    }
}
