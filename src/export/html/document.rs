//! What the page is about: a line of JSON with what is read once, then columns.
//!
//! Four bytes say how long the JSON is, lowest first. The columns follow in the order in
//! which they are written here, as long as `counts` says.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::columns;
use super::samples::{self, Key, Sample};
use super::tables::Tables;
use crate::event::Outcome;
use crate::export::table::Table;
use crate::export::{Options, Subject};
use crate::id::Pid;
use crate::profile::header::{Header, Unit};
use crate::profile::outcome_key;
use crate::profile::threads::ThreadId;
use crate::text::clean;
use crate::view::selection::{Group, Selection};

#[derive(Debug, Serialize)]
struct Document {
    title: String,
    header: About,
    remark: String,
    /// Samples before any were put together.
    samples: u64,
    /// How user stacks ended, most often first.
    outcomes: Vec<(String, u64)>,
    group: &'static str,
    /// Microseconds that one row may stand for; 0 where each is a sample.
    together: u64,
    strings: Vec<String>,
    threads: Vec<PageThread>,
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct About {
    version: String,
    command: Vec<String>,
    target: String,
    events: Vec<Event>,
    rate: String,
    began_ms: u64,
    host: String,
    kernel: String,
    architecture: String,
    cpus: u32,
}

#[derive(Debug, Serialize)]
struct Event {
    name: String,
    unit: &'static str,
}

#[derive(Debug, Serialize)]
struct PageThread {
    pid: u32,
    tid: u32,
    comm: String,
    process: String,
}

#[derive(Debug, Serialize)]
struct Counts {
    functions: usize,
    lines: usize,
    stacks: usize,
    rows: usize,
}

/// Writes all of it.
///
/// # Errors
/// Whatever the writer gives.
pub(super) fn write(
    subject: &Subject<'_>,
    options: &Options,
    to: &mut dyn Write,
) -> io::Result<()> {
    let selection = subject.selection;
    let mut tables = Tables::new(selection);
    let mut threads = Table::default();
    let samples = samples(subject, &mut tables, &mut threads);
    let (rows, together) = samples::condense(samples);
    let document = Document {
        title: clean(options.title.as_ref().unwrap_or(&subject.header.target)),
        header: about(subject.header),
        remark: clean(subject.remark),
        samples: selection.rows().len() as u64,
        outcomes: outcomes(selection),
        group: group(selection.group()),
        together,
        strings: tables.shortened(),
        threads: describe(threads.values(), selection),
        counts: Counts {
            functions: tables.functions.values().len(),
            lines: tables.lines.values().len(),
            stacks: tables.nodes.values().len(),
            rows: rows.len(),
        },
    };
    let json = serde_json::to_vec(&document)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&json)?;
    write_tables(&tables, to)?;
    write_rows(&rows, to)
}

fn write_tables(tables: &Tables<'_>, to: &mut dyn Write) -> io::Result<()> {
    let functions = tables.functions.values();
    columns::write(functions.iter().map(|function| function.name), to)?;
    columns::write(functions.iter().map(|function| function.module), to)?;
    columns::write(functions.iter().map(|function| function.class as u8), to)?;
    columns::write(functions.iter().map(|function| function.note), to)?;
    let lines = tables.lines.values();
    columns::write(lines.iter().map(|line| line.function), to)?;
    columns::write(lines.iter().map(|line| line.file), to)?;
    columns::write(lines.iter().map(|line| line.number), to)?;
    let nodes = tables.nodes.values();
    columns::write((1_u32..).zip(nodes).map(|(id, node)| id - node.parent), to)?;
    columns::write(nodes.iter().map(|node| node.line), to)
}

fn write_rows(rows: &[Sample], to: &mut dyn Write) -> io::Result<()> {
    let mut before = 0;
    let delta = |row: &Sample| row.time - std::mem::replace(&mut before, row.time);
    columns::write(rows.iter().map(delta), to)?;
    columns::write(rows.iter().map(|row| row.key.stack), to)?;
    columns::write(rows.iter().map(|row| row.key.thread), to)?;
    columns::write(rows.iter().map(|row| row.key.cpu), to)?;
    columns::write(rows.iter().map(|row| row.key.event), to)?;
    columns::write(rows.iter().map(|row| row.weight.0), to)
}

fn samples<'a>(
    subject: &Subject<'a>,
    tables: &mut Tables<'a>,
    threads: &mut Table<ThreadId>,
) -> Vec<Sample> {
    let began = subject.header.began;
    let rows = subject.selection.rows().iter();
    let mut samples: Vec<_> = rows
        .map(|row| Sample {
            time: row.time.0.saturating_sub(began.0) / 1000,
            weight: row.weight,
            key: Key {
                stack: tables.stack(row.stack),
                thread: threads.intern(row.thread),
                cpu: row.cpu.0,
                event: row.event,
            },
        })
        .collect();
    samples.sort_by_key(|sample| sample.time);
    samples
}

fn describe(threads: &[ThreadId], selection: &Selection<'_>) -> Vec<PageThread> {
    let table = selection.profile.threads();
    let mut processes: FxHashMap<Pid, String> = FxHashMap::default();
    let threads = threads.iter().map(|&id| {
        let thread = table.get(id);
        let process = processes.entry(thread.pid).or_insert_with(|| {
            let name = table.process_name(thread.pid).unwrap_or(thread.comm);
            clean(&name.to_text())
        });
        PageThread {
            pid: thread.pid.0,
            tid: thread.tid.0,
            comm: clean(&thread.comm.to_text()),
            process: process.clone(),
        }
    });
    threads.collect()
}

fn about(header: &Header) -> About {
    let events = header.events.iter().map(|event| Event {
        name: clean(&event.name),
        unit: match event.unit {
            Unit::Samples => "samples",
            Unit::Nanoseconds => "ns",
        },
    });
    About {
        version: clean(&header.version),
        command: header.command_line.iter().map(|word| clean(word)).collect(),
        target: clean(&header.target),
        events: events.collect(),
        rate: header.rate_text(),
        began_ms: header.began_unix_ns / 1_000_000,
        host: clean(&header.machine.name),
        kernel: clean(&header.machine.kernel),
        architecture: clean(&header.machine.architecture),
        cpus: header.machine.cpus,
    }
}

fn outcomes(selection: &Selection<'_>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<Option<Outcome>, u64> = BTreeMap::new();
    for row in selection.rows() {
        *counts.entry(row.outcome).or_default() += 1;
    }
    let mut outcomes: Vec<_> = counts
        .into_iter()
        .map(|(outcome, count)| {
            let name = outcome.map_or("kernel_only", outcome_key);
            (name.replace('_', " "), count)
        })
        .collect();
    outcomes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    outcomes
}

fn group(group: Group) -> &'static str {
    match group {
        Group::Comm => "comm",
        Group::Process => "process",
        Group::Thread => "thread",
        Group::Cpu => "cpu",
        Group::None => "none",
    }
}
