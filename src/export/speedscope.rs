//! speedscope profiles.
//!
//! Source: <https://www.speedscope.app/file-format-schema.json>.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde::Serialize;

use super::table::Table;
use super::{Options, Subject};
use crate::profile::Row;
use crate::profile::stacks::StackId;
use crate::text;
use crate::view::selection::{Group, StackFrame};

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// Everything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: &'a str,
    exporter: String,
    active_profile_index: usize,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
}

#[derive(Debug, Serialize)]
struct Shared<'a> {
    frames: &'a [Frame],
}

/// A function; functions of the same name and file are one. Its line is left out: speedscope
/// takes it for the function's first, and so two lines for two functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Frame {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// Samples in a row, as frames, root first, and what each weighs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<u32>>,
    weights: Vec<u64>,
}

/// What is a profile of its own: a thread, or what was asked to be put together, and there
/// an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    of: Option<String>,
    event: u8,
}

/// Writes a profile.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    let mut frames = Table::default();
    let mut rows: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
    for &row in subject.selection.rows() {
        rows.entry(key(subject, row)).or_default().push(row);
    }
    let mut stacks = HashMap::new();
    let profiles: Vec<_> = rows
        .iter()
        .map(|(key, rows)| {
            let mut frames_of = |stack| {
                stacks
                    .entry(stack)
                    .or_insert_with(|| intern(&subject.selection.frames(stack), &mut frames))
                    .clone()
            };
            profile(subject, key, rows, &mut frames_of)
        })
        .collect();
    let heaviest = (0..profiles.len()).max_by_key(|&index| profiles[index].end_value);
    serde_json::to_writer(
        to,
        &File {
            schema: SCHEMA,
            name: subject.title(options),
            exporter: format!("somno@{}", subject.header.version),
            active_profile_index: heaviest.unwrap_or_default(),
            shared: Shared {
                frames: frames.values(),
            },
            profiles,
        },
    )?;
    Ok(())
}

fn key(subject: &Subject<'_>, row: &Row) -> Key {
    let of = match subject.selection.group() {
        // A program's threads have one name, as a rule, and each its own time.
        Group::Comm | Group::Thread => {
            let threads = subject.selection.profile.threads();
            let thread = threads.get(row.thread);
            let name = text::clean(&thread.comm.to_text());
            Some(format!("{name} ({}/{})", thread.pid, thread.tid))
        }
        Group::Process | Group::Cpu | Group::None => subject.selection.label(row),
    };
    Key {
        of,
        event: row.event,
    }
}

fn profile(
    subject: &Subject<'_>,
    key: &Key,
    rows: &[&Row],
    frames_of: &mut dyn FnMut(StackId) -> Vec<u32>,
) -> Profile {
    let is_time = time(subject, rows[0]).is_some();
    let mut samples: Vec<Vec<u32>> = Vec::new();
    let mut weights = Vec::new();
    for row in rows {
        let weight = time(subject, row).unwrap_or(row.weight.0);
        let frames = frames_of(row.stack);
        match weights.last_mut() {
            Some(last) if samples.last() == Some(&frames) => *last += weight,
            _ => {
                samples.push(frames);
                weights.push(weight);
            }
        }
    }
    Profile {
        r#type: "sampled",
        name: name(subject, key),
        unit: if is_time { "nanoseconds" } else { "none" },
        start_value: 0,
        end_value: weights.iter().sum(),
        samples,
        weights,
    }
}

/// What a profile is of; the event too where there are several.
fn name(subject: &Subject<'_>, key: &Key) -> String {
    let of = key.of.as_deref().unwrap_or(&subject.header.target);
    match &subject.header.events[..] {
        events @ [_, _, ..] => match events.get(usize::from(key.event)) {
            Some(event) => format!("{of}, {}", event.name),
            None => of.to_owned(),
        },
        _ => of.to_owned(),
    }
}

/// Nanoseconds that a row stands for, where they are known.
fn time(subject: &Subject<'_>, row: &Row) -> Option<u64> {
    let time = subject.header.time(usize::from(row.event), row.weight)?;
    u64::try_from(time.as_nanos()).ok()
}

fn intern(stack: &[StackFrame<'_>], frames: &mut Table<Frame>) -> Vec<u32> {
    let stack = stack.iter();
    stack
        .map(|frame| {
            let location = frame.named.location.as_ref();
            frames.intern(Frame {
                name: frame.named.name.to_string(),
                file: location.map(|location| location.file.to_string()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::export::fixture::Fixture;
    use crate::profile::header::Unit;
    use crate::time::Rate;

    fn written(fixture: &Fixture) -> Value {
        let mut bytes = Vec::new();
        fixture
            .subject(|subject| write(subject, &Options::default(), &mut bytes))
            .expect("memory takes everything");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }

    /// Check that each thread is a profile in order of time, with equal neighbours merged,
    /// and the heaviest is shown.
    #[test]
    fn threads_are_profiles() {
        let mut fixture = Fixture::new();
        fixture
            .add("main;a")
            .add("main;a")
            .add("main;b_[k]")
            .add("main;a");
        fixture.add_of("prog", 100, 99, 1, "main;a");
        let file = written(&fixture);
        assert_eq!(file["activeProfileIndex"], 0);
        assert_eq!(
            file["shared"]["frames"],
            json!([
                {"name": "main", "file": "src/prog.c"},
                {"name": "a", "file": "src/prog.c"},
                {"name": "b_[k]", "file": "src/prog.c"},
            ])
        );
        assert_eq!(
            file["profiles"][0],
            json!({
                "type": "sampled",
                "name": "prog (100/100)",
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": 4_000_000,
                "samples": [[0, 1], [0, 2], [0, 1]],
                "weights": [2_000_000, 1_000_000, 1_000_000],
            })
        );
        assert_eq!(file["profiles"][1]["name"], "prog (100/99)");
    }

    /// Check that what is put together otherwise is one profile, and that samples that
    /// stand for no time are counted.
    #[test]
    fn groups_and_counts() {
        let mut fixture = Fixture::new();
        fixture.group = Group::Process;
        fixture.header.rate = Rate::Period(std::num::NonZeroU64::MIN);
        fixture.add("main").add_of("prog", 100, 99, 3, "main");
        let file = written(&fixture);
        assert_eq!(file["profiles"][0]["name"], "prog 100");
        assert_eq!(file["profiles"][0]["unit"], "none");
        assert_eq!(file["profiles"][0]["weights"], json!([4]));

        fixture.header.events.push(fixture.header.events[0].clone());
        fixture.header.events[0].unit = Unit::Nanoseconds;
        let file = written(&fixture);
        assert_eq!(file["profiles"][0]["name"], "prog 100, cpu-clock");
        assert_eq!(file["profiles"][0]["unit"], "nanoseconds");
    }

    /// Check that an empty selection is a file too.
    #[test]
    fn nothing_is_written() {
        assert_eq!(written(&Fixture::new())["profiles"], json!([]));
    }
}
