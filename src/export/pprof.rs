//! pprof profiles, as `go tool pprof` and whatever else took its format over read them.
//!
//! Source: `proto/profile.proto` of <https://github.com/google/pprof>; compressed with gzip.

mod columns;
mod locations;
mod mappings;
pub(super) mod proto;
mod strings;

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;

use self::columns::Column;
use self::locations::Locations;
use self::mappings::{Mappings, Survey};
use self::proto::{Label, Profile, Sample, ValueType};
use self::strings::Strings;
use super::{Options, Subject, places};
use crate::id::Cpu;
use crate::profile::stacks::StackId;
use crate::profile::threads::ThreadId;
use crate::text;
use crate::time::Rate;
use crate::view::selection::{Selection, StackFrame};

/// Writes a profile.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    let bytes = profile(subject, options).encode_to_vec();
    let mut gzip = GzEncoder::new(to, Compression::default());
    gzip.write_all(&bytes)?;
    gzip.finish()?;
    Ok(())
}

/// What rows are added up by.
type Key = (ThreadId, Cpu, StackId);

/// Stacks with their frames, root first.
type Stacks<'a> = BTreeMap<StackId, Vec<StackFrame<'a>>>;

fn profile(subject: &Subject<'_>, options: &Options) -> Profile {
    let header = subject.header;
    let mut strings = Strings::new();
    let stacks = stacks(subject.selection);
    let mappings = survey(subject.selection, &stacks).lay_out(&mut strings);
    let mut locations = Locations::default();
    let columns = columns::columns(header);
    let sample = add_up(subject, &columns)
        .into_iter()
        .map(|(key, value)| Sample {
            location_id: location_ids(&stacks[&key.2], &mut locations, &mappings, &mut strings),
            value,
            label: labels(subject.selection, key, &mut strings),
        })
        .collect();
    let sample_type: Vec<_> = columns
        .iter()
        .map(|column| value_type(&mut strings, &column.name, column.unit))
        .collect();
    let (period_type, period) = period(subject, &mut strings);
    let comment = comments(subject, options).map(|text| strings.id(&text));
    let (location, function) = locations.into_tables();
    Profile {
        default_sample_type: sample_type.last().map_or(0, |last| last.r#type),
        sample_type,
        sample,
        mapping: mappings.all,
        location,
        function,
        string_table: strings.into_all(),
        time_nanos: signed(header.began_unix_ns),
        duration_nanos: i64::try_from(subject.duration.as_nanos()).unwrap_or(i64::MAX),
        period_type: Some(period_type),
        period,
        comment: comment.into(),
    }
}

/// The stacks that have samples.
fn stacks<'a>(selection: &Selection<'a>) -> Stacks<'a> {
    let mut stacks = BTreeMap::new();
    for row in selection.rows() {
        stacks
            .entry(row.stack)
            .or_insert_with(|| selection.frames(row.stack));
    }
    stacks
}

fn survey<'a>(selection: &Selection<'a>, stacks: &Stacks<'_>) -> Survey<'a> {
    let mut survey = Survey::new(selection.profile.modules());
    for frame in stacks.values().flatten() {
        let is_named = selection.names.reason(frame.id).is_none();
        survey.add(frame.frame, is_named, frame.named.location.is_some());
    }
    survey
}

/// The values of every stack of every thread on every CPU.
fn add_up(subject: &Subject<'_>, columns: &[Column]) -> BTreeMap<Key, Vec<i64>> {
    let mut samples = BTreeMap::new();
    for row in subject.selection.rows() {
        let values = samples
            .entry((row.thread, row.cpu, row.stack))
            .or_insert_with(|| vec![0_i64; columns.len()]);
        for (value, column) in values.iter_mut().zip(columns) {
            *value = value.saturating_add(signed(column.value(subject.header, row)));
        }
    }
    samples
}

/// The places of a stack, leaf first.
fn location_ids(
    frames: &[StackFrame<'_>],
    locations: &mut Locations,
    mappings: &Mappings<'_>,
    strings: &mut Strings,
) -> Vec<u64> {
    let mut ids: Vec<_> = places(frames)
        .filter_map(|place| locations.id(place, mappings, strings))
        .collect();
    ids.reverse();
    ids
}

/// What is known of a key. A number that is 0 is none in this format, so the CPU is text.
fn labels(selection: &Selection<'_>, key: Key, strings: &mut Strings) -> Vec<Label> {
    let thread = selection.profile.threads().get(key.0);
    let cgroup = selection.profile.cgroup_of(thread);
    let texts = [
        ("thread", text::clean(&thread.comm.to_text())),
        ("cpu", key.1.to_string()),
    ];
    let texts = texts.into_iter();
    let texts = texts.chain(cgroup.map(|path| ("cgroup", text::clean(path))));
    let variables = selection.profile.environments().of(thread);
    let texts = texts.chain(variables.map(|(name, value)| (name, text::clean(value))));
    let mut labels: Vec<_> = texts
        .map(|(key, text)| Label {
            key: strings.id(key),
            str: strings.id(&text),
            num: 0,
        })
        .collect();
    let numbers = [("pid", thread.pid.0), ("tid", thread.tid.0)];
    labels.extend(numbers.map(|(key, number)| Label {
        key: strings.id(key),
        str: 0,
        num: i64::from(number),
    }));
    labels
}

/// What passed between two samples.
fn period(subject: &Subject<'_>, strings: &mut Strings) -> (ValueType, i64) {
    match subject.header.rate {
        Rate::Frequency(hertz) => (
            value_type(strings, "cpu", "nanoseconds"),
            signed(1_000_000_000 / hertz.get()),
        ),
        Rate::Period(period) => (
            value_type(strings, &subject.header.event_names(), "count"),
            signed(period.get()),
        ),
    }
}

fn comments(subject: &Subject<'_>, options: &Options) -> [String; 3] {
    let header = subject.header;
    [
        subject.title(options).to_owned(),
        subject.remark.to_owned(),
        text::clean(&format!(
            "somno {}: {}",
            header.version,
            header.command_line.join(" ")
        )),
    ]
}

fn value_type(strings: &mut Strings, kind: &str, unit: &str) -> ValueType {
    ValueType {
        r#type: strings.id(kind),
        unit: strings.id(unit),
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
