//! The lines below every report: how completely samples were taken, and what that cost.

use std::time::Duration;

use super::look::{Look, Role, pad};
use super::summary::{self, span};
use crate::event::{Mode, Outcome};
use crate::profile::histogram::Summary;
use crate::profile::names::Names;
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::recording::Recording;

/// Columns of what a line is about.
const LABEL: usize = 15;
const MEGABYTE: f64 = 1e6;

/// What became of all samples of a recording, whichever of them are shown.
#[must_use]
pub fn lines(recording: &Recording, look: Look) -> Vec<String> {
    let Recording {
        header,
        names,
        tally,
        totals,
        ..
    } = recording;
    let mut lines = vec![
        ("user stacks", stacks(tally)),
        ("stopped short", or_none(summary::stopped_short(tally))),
        ("lost", or_none(summary::losses(&totals.lost))),
        ("unnamed", unnamed(names)),
    ];
    if header.mode == Mode::Deferred {
        lines.push(("slept", slept(tally)));
    }
    lines.push(("cost", each("taking samples", totals.nmi_cost)));
    if header.mode == Mode::Deferred {
        lines.push(("", each("user stacks", tally.deferred_cost.summary())));
    }
    lines.push(("", own(totals)));
    lines.push(("", altogether(tally, totals)));
    lines
        .into_iter()
        .map(|(label, text)| look.paint(Role::Aside, &pad(label, LABEL)) + &text)
        .collect()
}

fn stacks(tally: &Tally) -> String {
    let count = tally.samples() - tally.kernel_only;
    let text = match tally.completeness() {
        Some(_) if tally.outcome(Outcome::Interrupt) > 0 => summary::completeness(tally),
        Some(share) => format!("{} of {count} complete", summary::percent(share)),
        None => "none".into(),
    };
    match tally.kernel_only {
        0 => text,
        count => format!("{text}; {count} samples of kernel threads and idle"),
    }
}

fn or_none(what: Option<String>) -> String {
    what.unwrap_or_else(|| "nothing".into())
}

fn unnamed(names: &Names) -> String {
    let reasons = names.unnamed();
    let count: u64 = reasons.values().sum();
    let text = format!("{count} of {} distinct frames", count + names.named());
    let reasons: Vec<_> = reasons
        .into_iter()
        .map(|(reason, count)| format!("{} {count}", reason.key().replace('_', " ")))
        .collect();
    if reasons.is_empty() {
        return text;
    }
    format!("{text}: {}", reasons.join(", "))
}

fn slept(tally: &Tally) -> String {
    match tally.slept {
        0 => "no read had to: all that was read was in memory".into(),
        count => format!("{count} reads that would have failed got their data by sleeping"),
    }
}

fn each(what: &str, cost: Summary) -> String {
    let time = |ns| span(Duration::from_nanos(ns));
    format!(
        "{what}: median {}, 99th percentile {}, all {}",
        time(cost.p50),
        time(cost.p99),
        time(cost.total)
    )
}

fn own(totals: &Totals) -> String {
    format!(
        "somno itself: {} of CPU time, {:.1} MB at most",
        span(totals.own.cpu),
        totals.own.peak_resident as f64 / MEGABYTE
    )
}

/// The share of one CPU, since what was sampled may have had several, or little of one.
fn altogether(tally: &Tally, totals: &Totals) -> String {
    let halves = totals.nmi_cost.total + tally.deferred_cost.summary().total;
    let all = Duration::from_nanos(halves) + totals.own.cpu;
    let share = all.as_secs_f64() / totals.duration.as_secs_f64().max(f64::MIN_POSITIVE);
    if totals.duration.is_zero() {
        return format!("altogether: {}", span(all));
    }
    format!("altogether: {:.2}% of one CPU", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder, Who};

    /// Check that every line is there, whether there is something to say or not.
    #[test]
    fn everything_is_accounted_for() {
        let short = Who {
            outcome: Some(Outcome::NoCfi),
            ..Who::default()
        };
        let mut recording = Builder::new()
            .stack(&["main"], 3)
            .stack_of(short, &["main"], 1)
            .build();
        recording.totals.duration = Duration::from_secs(1);
        recording.totals.nmi_cost.total = 1_000_000;
        recording.totals.own.cpu = Duration::from_millis(9);
        assert_eq!(
            lines(&recording, Look::default()).join("\n"),
            "user stacks    75.0% of 4 complete
stopped short  no cfi 1
lost           nothing
unnamed        0 of 1 distinct frames
slept          no read had to: all that was read was in memory
cost           taking samples: median 0 ns, 99th percentile 0 ns, all 1.0 ms
               user stacks: median 3.0 us, 99th percentile 3.0 us, all 12.0 us
               somno itself: 9.0 ms of CPU time, 0.0 MB at most
               altogether: 1.00% of one CPU"
        );
    }
}
