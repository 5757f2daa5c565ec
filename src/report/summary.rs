//! The lines at the end of a recording.

use std::fmt::Write as _;
use std::time::Duration;

use crate::event::{Outcome, Weight};
use crate::privileges::{CapabilitySet, grant};
use crate::proc::kallsyms::Access;
use crate::profile::header::Header;
use crate::profile::names::{Names, Unnamed};
use crate::profile::outcome_key;
use crate::profile::tally::Tally;
use crate::profile::totals::{Lost, Symbols, Totals};
use crate::recording::{Cut, Recording};
use crate::text::counted;
use crate::view::top::Function;

/// How a recording was made, and how completely, for a place with room for one line.
#[must_use]
pub fn remark(header: &Header, totals: &Totals, tally: &Tally) -> String {
    format!(
        "{} for {}: {}, {}",
        header.events_text(),
        duration(totals.duration),
        counted(tally.samples(), "sample"),
        completeness(tally),
    )
}

/// How completely user stacks were read, in a few words.
#[must_use]
pub fn completeness(tally: &Tally) -> String {
    match tally.completeness() {
        Some(_) if tally.outcome(Outcome::Interrupt) > 0 => {
            "user stacks by frame pointers in the interrupt".into()
        }
        Some(share) => format!("{} of user stacks complete", percent(share)),
        None => "no user stacks".into(),
    }
}

/// A share as a percentage that says 100 only for all.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 100.0 && percent > 99.9 {
        format!("{:.2}%", (percent * 100.0).floor() / 100.0)
    } else {
        format!("{:.1}%", (percent * 10.0).floor() / 10.0)
    }
}

/// Why stacks stopped short, and what was lost, where there is anything to say.
#[must_use]
pub fn shortfalls(tally: &Tally, lost: &Lost) -> Vec<String> {
    let short = stopped_short(tally).map(|what| format!("stacks that stopped short: {what}"));
    let losses = losses(lost).map(|what| format!("lost: {what}"));
    short.into_iter().chain(losses).collect()
}

/// How many stacks stopped short, by reason; none where none did.
#[must_use]
pub fn stopped_short(tally: &Tally) -> Option<String> {
    let short = tally
        .outcomes
        .iter()
        .filter(|(outcome, _)| outcome.reason().is_some())
        .map(|(outcome, count)| (outcome_key(*outcome).replace('_', " "), *count));
    counts(short)
}

/// How much was lost, by reason; none where nothing was.
#[must_use]
pub fn losses(lost: &Lost) -> Option<String> {
    let losses = [
        ("no room for kernel halves", lost.kernel_ring),
        ("no room for user halves", lost.user_ring),
        ("no free slot", lost.slots),
        ("not scheduled", lost.schedule),
        ("shed", lost.shed),
        ("throttled by the kernel", lost.throttled),
        ("no room for notices", lost.notices),
        ("too many files", lost.modules),
    ];
    counts(losses.into_iter().map(|(what, count)| (what.into(), count)))
}

fn counts(counts: impl Iterator<Item = (String, u64)>) -> Option<String> {
    let some: Vec<_> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    (!some.is_empty()).then(|| some.join(", "))
}

/// Where a recording ends that is not whole.
#[must_use]
pub fn cut(cut: Cut) -> String {
    format!(
        "this recording is not whole: it ends at byte {}, and what was lost is not known",
        cut.offset
    )
}

/// How many samples a recording has beyond those that are shown.
#[must_use]
pub fn left_out(recording: &Recording) -> Option<String> {
    (recording.left_out > 0).then(|| {
        format!(
            "not shown: the last {}, which are more than are held at a time; --rotate makes \
             recordings of one length",
            counted(recording.left_out, "sample")
        )
    })
}

/// Of how many files not all names could be captured.
#[must_use]
pub fn cut_symbols(symbols: &Symbols) -> Option<String> {
    (symbols.cut > 0).then(|| {
        format!(
            "of {} the symbols were captured in part: more than 4 MiB",
            counted(symbols.cut, "file")
        )
    })
}

/// Why kernel functions have no names, and what to do, if any lacks one for that.
#[must_use]
pub fn kernel_names(names: &Names, access: Access) -> Option<String> {
    let count = *names.unnamed().get(&Unnamed::NoKernelSymbols)?;
    let obstacle = access.obstacle()?;
    let step = access
        .fix()
        .map_or_else(String::new, |fix| format!("; {fix}"));
    let functions = counted(count, "kernel function");
    Some(format!("no name for {functions}: {obstacle}{step}"))
}

/// Says why functions of files that were not opened have no names, where privileges are missing.
#[must_use]
pub fn file_names(names: &Names, missing: CapabilitySet) -> Option<String> {
    let count = *names.unnamed().get(&Unnamed::NotOpened)?;
    let missing = missing.difference(CapabilitySet::SYSLOG);
    (!missing.is_empty()).then(|| {
        format!(
            "no name for {}: their files could not be opened, which may take {}; \
             see `somno doctor`",
            counted(count, "function"),
            grant::names(missing)
        )
    })
}

/// A table of functions with their shares of all samples.
#[must_use]
pub fn hottest(functions: &[Function], total: Weight) -> String {
    let share = |weight: Weight| weight.0 as f64 * 100.0 / total.0.max(1) as f64;
    let mut text = String::from("   self   total  function\n");
    for function in functions {
        writeln!(
            text,
            "{:6.1}% {:6.1}%  {}",
            share(function.own),
            share(function.total),
            function.name
        )
        .expect("a string takes everything");
    }
    text
}

/// A duration as people say it.
#[must_use]
pub fn duration(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A short or long time, in the unit that it has a few digits in.
#[must_use]
pub fn span(time: Duration) -> String {
    match time.as_nanos() {
        ns @ 0..1_000 => format!("{ns} ns"),
        ns @ 1_000..1_000_000 => format!("{:.1} us", ns as f64 / 1e3),
        ns @ 1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => duration(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that times have the unit that suits them.
    #[test]
    fn times_have_units() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.5 us"),
            (12_300_000, "12.3 ms"),
            (90_000_000_000, "90.0 s"),
        ] {
            assert_eq!(span(Duration::from_nanos(ns)), text);
        }
    }

    /// Check that not quite all is never shown as all.
    #[test]
    fn percentages_are_honest() {
        for (share, text) in [
            (1.0, "100.0%"),
            (0.999_999, "99.99%"),
            (0.9985, "99.8%"),
            (0.5, "50.0%"),
            (0.0, "0.0%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
