//! The JSON object of `--stats`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::event::{Mode, Outcome, TaskState};
use crate::profile::header::Header;
use crate::profile::histogram::Summary;
use crate::profile::names::Names;
use crate::profile::outcome_key;
use crate::profile::tally::Tally;
use crate::profile::totals::{Lost, OffCpu, Steps, Totals};
use crate::time::Rate;

/// Everything that is counted in one run; the keys are a contract.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Stats {
    pub schema: u32,
    pub version: String,
    pub kernel: String,
    pub capture: &'static str,
    pub event: String,
    pub freq: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<OfEvent>,
    pub duration_ns: u64,
    pub samples: u64,
    pub samples_in_nmi: u64,
    pub user_halves: u64,
    pub user: BTreeMap<&'static str, u64>,
    pub kernel_only: u64,
    pub lost: Lost,
    pub off_cpu: Off,
    pub reads: Reads,
    pub frames: Frames,
    pub modules: Modules,
    pub cost: Cost,
    pub start_to_first_sample_ns: u64,
    pub bytes_written: u64,
}

/// One event of several.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct OfEvent {
    pub name: String,
    pub samples: u64,
}

/// Time off the CPU.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Off {
    pub interruptible_ns: u64,
    pub uninterruptible_ns: u64,
    pub preempted_ns: u64,
    pub stopped_ns: u64,
    #[serde(flatten)]
    pub others: OffCpu,
}

/// What reading user memory took.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Reads {
    pub slept: u64,
}

/// How frames were found and named.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Frames {
    pub cfi: u64,
    pub frame_pointer: u64,
    pub rule_cached: u64,
    pub rule_found: u64,
    pub named: u64,
    pub unnamed: u64,
    pub unnamed_by: BTreeMap<&'static str, u64>,
}

/// The files that code was in.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Modules {
    pub seen: u64,
    pub symbols_captured: u64,
    pub symbols_cut: u64,
    pub symbol_bytes: u64,
    pub symbols_delayed: u64,
}

/// What profiling cost.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "man/somno-stats.5 describes every key")]
pub struct Cost {
    pub nmi_ns: Summary,
    pub deferred_ns: Summary,
    pub own_samples: u64,
    pub user_space_cpu_ns: u64,
    pub max_rss_bytes: u64,
    pub max_anon_bytes: u64,
}

/// Every outcome with its count, zeros stated.
#[must_use]
pub fn outcomes(tally: &Tally) -> BTreeMap<&'static str, u64> {
    Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome_key(outcome), tally.outcome(outcome)))
        .collect()
}

/// The samples of each event; nothing where there is only one.
fn of_events(header: &Header, tally: &Tally) -> Vec<OfEvent> {
    if header.events.len() < 2 {
        return Vec::new();
    }
    let events = (0..).zip(&header.events);
    events
        .map(|(position, event)| OfEvent {
            name: event.name.clone(),
            samples: tally.events.get(&position).copied().unwrap_or_default(),
        })
        .collect()
}

impl Stats {
    /// Puts together what is known of a recording.
    #[must_use]
    pub fn new(
        header: &Header,
        totals: &Totals,
        tally: &Tally,
        names: &Names,
        bytes_written: u64,
    ) -> Self {
        Self {
            schema: 1,
            version: header.version.clone(),
            kernel: header.machine.kernel.clone(),
            capture: match header.mode {
                Mode::Deferred => "deferred",
                Mode::Interrupt => "interrupt",
            },
            event: header.event_names(),
            freq: match header.rate {
                Rate::Frequency(hertz) if header.is_sampled() => hertz.get(),
                _ => 0,
            },
            events: of_events(header, tally),
            duration_ns: nanoseconds(totals.duration),
            samples: tally.samples(),
            samples_in_nmi: tally.in_nmi,
            user_halves: tally.user_halves,
            user: outcomes(tally),
            kernel_only: tally.kernel_only,
            lost: totals.lost,
            off_cpu: Off::new(tally, totals.off_cpu),
            reads: Reads { slept: tally.slept },
            frames: Frames::new(&totals.steps, names),
            modules: Modules {
                seen: totals.modules_seen,
                symbols_captured: totals.symbols.captured,
                symbols_cut: totals.symbols.cut,
                symbol_bytes: totals.symbols.bytes,
                symbols_delayed: totals.symbols.delayed,
            },
            cost: Cost {
                nmi_ns: totals.nmi_cost,
                deferred_ns: tally.deferred_cost.summary(),
                own_samples: tally.own_cost,
                user_space_cpu_ns: nanoseconds(totals.own.cpu),
                max_rss_bytes: totals.own.peak_resident,
                max_anon_bytes: totals.own.anonymous,
            },
            start_to_first_sample_ns: nanoseconds(totals.start_to_first_sample),
            bytes_written,
        }
    }
}

impl Off {
    fn new(tally: &Tally, others: OffCpu) -> Self {
        Self {
            interruptible_ns: tally.off_cpu(TaskState::Interruptible).0,
            uninterruptible_ns: tally.off_cpu(TaskState::Uninterruptible).0,
            preempted_ns: tally.off_cpu(TaskState::Preempted).0,
            stopped_ns: tally.off_cpu(TaskState::Stopped).0,
            others,
        }
    }
}

impl Frames {
    fn new(steps: &Steps, names: &Names) -> Self {
        let unnamed_by: BTreeMap<_, _> = names
            .unnamed()
            .into_iter()
            .map(|(reason, count)| (reason.key(), count))
            .collect();
        Self {
            cfi: steps.cfi,
            frame_pointer: steps.frame_pointer,
            rule_cached: steps.rule_cached,
            rule_found: steps.rule_found,
            named: names.named(),
            unnamed: unnamed_by.values().sum(),
            unnamed_by,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::view::fixture::Builder;

    /// Adds the keys of an object, with those that they are in: `lost.shed`.
    fn add_keys(value: &Value, prefix: &str, keys: &mut BTreeSet<String>) {
        for (key, value) in value.as_object().expect("it is an object") {
            let key = format!("{prefix}{key}");
            match value {
                // outcomes are a table of their own there, and each cost has the same parts
                Value::Object(_) if key == "user" => _ = keys.insert("user.*".into()),
                Value::Object(parts) if !parts.is_empty() && !parts.contains_key("p50") => {
                    add_keys(value, &format!("{key}."), keys);
                }
                _ => _ = keys.insert(key),
            }
        }
    }

    /// What a page of the manual has a paragraph for.
    fn described(page: &str) -> BTreeSet<String> {
        let (_, text) = page.split_once(".SH DESCRIPTION").expect("it has one");
        let (text, _) = text.split_once(".SH REPORT").expect("it has one");
        let headings = text.split(".TP\n").skip(1);
        let heading = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let is_key = |word: &str| {
            let mut bytes = word.bytes();
            bytes.all(|byte| byte.is_ascii_lowercase() || b"_.*".contains(&byte))
        };
        let words = headings.map(heading).collect::<Vec<_>>().join(" ");
        let words = words.split([' ', '"', ',']);
        let words = words.filter(|word| !word.is_empty() && is_key(word));
        words.map(str::to_owned).collect()
    }

    /// Check that the manual describes every key, and no other.
    #[test]
    fn every_key_is_described() {
        let recording = Builder::new().stack(&["main"], 1).build();
        let stats = Stats::new(
            &recording.header,
            &recording.totals,
            &recording.tally,
            &recording.names,
            0,
        );
        let stats = serde_json::to_value(stats).expect("it is an object");
        // there with several events only
        let mut keys = BTreeSet::from(["events".to_owned()]);
        add_keys(&stats, "", &mut keys);
        let page = described(include_str!("../../man/somno-stats.5"));
        let missing: Vec<_> = keys.difference(&page).collect();
        assert!(missing.is_empty(), "not described: {missing:?}");
        let others: Vec<_> = page.difference(&keys).collect();
        assert!(others.is_empty(), "described, and not there: {others:?}");
    }
}
