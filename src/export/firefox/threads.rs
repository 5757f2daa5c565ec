//! The threads of a Firefox profile, with their samples by columns.

use serde::Serialize;

use super::tables::Tables;
use crate::export::Subject;
use crate::id::{Pid, Tid};
use crate::profile::Row;
use crate::profile::header::Unit;
use crate::text;

/// A thread. Processes are told by what their threads say of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thread {
    process_type: &'static str,
    process_startup_time: f64,
    process_shutdown_time: Option<f64>,
    register_time: f64,
    unregister_time: Option<f64>,
    paused_ranges: [(); 0],
    name: String,
    #[serde(rename = "isMainThread")]
    is_main: bool,
    process_name: String,
    pid: String,
    tid: u32,
    samples: Samples,
    markers: Markers,
}

/// Samples: times in milliseconds since the start, CPU time in nanoseconds since the last.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Samples {
    stack: Vec<Option<u32>>,
    time: Vec<f64>,
    weight: Vec<serde_json::Number>,
    weight_type: &'static str,
    #[serde(rename = "threadCPUDelta", skip_serializing_if = "Option::is_none")]
    thread_cpu_delta: Option<Vec<u64>>,
    length: usize,
}

/// No markers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Markers {
    data: [(); 0],
    name: [(); 0],
    start_time: [(); 0],
    end_time: [(); 0],
    phase: [(); 0],
    category: [(); 0],
    length: usize,
}

/// Makes a thread of its rows, in order of time, of which there is one at least.
pub(super) fn thread(
    subject: &Subject<'_>,
    (pid, tid): (Pid, Tid),
    rows: &[&Row],
    tables: &mut Tables<'_>,
) -> Thread {
    let threads = subject.selection.profile.threads();
    let process = threads.process_name(pid);
    let last = rows.last().map(|row| threads.get(row.thread).comm);
    let name = last.map_or(String::new(), |comm| text::clean(&comm.to_text()));
    let process_name = process.map_or(name.clone(), |comm| text::clean(&comm.to_text()));
    // the format has no labels of threads; a process's name is shown and searched
    let variables = subject.selection.profile.environments().describe(pid);
    let first_time = rows.first().map_or(0.0, |row| since_start(subject, row));
    Thread {
        process_type: "default",
        process_startup_time: first_time,
        process_shutdown_time: None,
        register_time: first_time,
        unregister_time: None,
        paused_ranges: [],
        process_name: process_name + &variables,
        name,
        is_main: pid.0 == tid.0,
        pid: pid.to_string(),
        tid: tid.0,
        samples: samples(subject, rows, tables),
        markers: Markers::default(),
    }
}

fn samples(subject: &Subject<'_>, rows: &[&Row], tables: &mut Tables<'_>) -> Samples {
    let selection = subject.selection;
    let unit = subject.unit();
    let stack = rows.iter().map(|row| {
        let frames = || selection.frames(row.stack);
        tables.stack(row.stack, frames)
    });
    Samples {
        stack: stack.collect(),
        time: rows.iter().map(|row| since_start(subject, row)).collect(),
        weight: rows.iter().map(|row| weight(row, unit)).collect(),
        weight_type: match unit {
            Unit::Samples => "samples",
            Unit::Nanoseconds => "tracing-ms",
        },
        thread_cpu_delta: match unit {
            Unit::Samples => rows.iter().map(|row| cpu_time(subject, row)).collect(),
            Unit::Nanoseconds => None,
        },
        length: rows.len(),
    }
}

/// A weight as its type has it: samples, or milliseconds.
fn weight(row: &Row, unit: Unit) -> serde_json::Number {
    match unit {
        Unit::Samples => row.weight.0.into(),
        Unit::Nanoseconds => serde_json::Number::from_f64(row.weight.0 as f64 / 1e6)
            .expect("an integer is no infinity"),
    }
}

/// What a sample stands for in CPU time: the thread had as much since the one before.
fn cpu_time(subject: &Subject<'_>, row: &Row) -> Option<u64> {
    let time = subject.header.time(usize::from(row.event), row.weight)?;
    u64::try_from(time.as_nanos()).ok()
}

fn since_start(subject: &Subject<'_>, row: &Row) -> f64 {
    row.time.0.saturating_sub(subject.header.began.0) as f64 / 1e6
}
