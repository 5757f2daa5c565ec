//! Profiles of the Firefox Profiler, in its processed format.
//!
//! Source: `src/types/profile.ts` and `docs-developer` of
//! <https://github.com/firefox-devtools/profiler>. It reads every version of the format
//! since the first: this is 60, the first whose threads share their tables.

mod columns;
mod libs;
mod tables;
mod threads;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use self::columns::Shared;
use self::libs::Lib;
use self::tables::Tables;
use self::threads::Thread;
use super::class::Class;
use super::{Options, Subject};
use crate::id::{Pid, Tid};
use crate::profile::Row;
use crate::text;
use crate::time::Rate;

const VERSION: u32 = 60;

/// What the format calls the version of what Firefox itself writes; it is not looked at.
const GECKO_VERSION: u32 = 24;

/// Everything.
#[derive(Debug, Serialize)]
struct File {
    meta: Value,
    libs: Vec<Lib>,
    shared: Shared,
    threads: Vec<Thread>,
    pages: [(); 0],
    counters: [(); 0],
}

/// Writes a profile.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    let modules = subject.selection.profile.modules();
    let mut tables = Tables::new(modules, subject.header);
    let mut rows: BTreeMap<(Pid, Tid), Vec<&Row>> = BTreeMap::new();
    for &row in subject.selection.rows() {
        let thread = subject.selection.profile.threads().get(row.thread);
        rows.entry((thread.pid, thread.tid)).or_default().push(row);
    }
    let threads = rows
        .iter()
        .map(|(&id, rows)| threads::thread(subject, id, rows, &mut tables))
        .collect();
    let file = File {
        meta: meta(subject, options),
        libs: tables.libs(),
        shared: tables.finish(),
        threads,
        pages: [],
        counters: [],
    };
    serde_json::to_writer(to, &file)?;
    Ok(())
}

/// The categories of frames, with their colours; the grey one is the default.
const CATEGORIES: [(Class, &str, &str); 6] = [
    (Class::Reason, "Other", "grey"),
    (Class::Program, "Program", "yellow"),
    (Class::Library, "Library", "lightblue"),
    (Class::Inlined, "Inlined", "blue"),
    (Class::Jit, "JIT", "green"),
    (Class::Kernel, "Kernel", "orange"),
];

/// The position of a class among the categories.
fn category(class: Class) -> usize {
    let position = CATEGORIES.iter().position(|(known, ..)| *known == class);
    position.unwrap_or_default()
}

fn meta(subject: &Subject<'_>, options: &Options) -> Value {
    let header = subject.header;
    let categories = CATEGORIES
        .map(|(_, name, color)| json!({"name": name, "color": color, "subcategories": ["Other"]}));
    let duration = subject.duration.as_secs_f64() * 1e3;
    json!({
        "preprocessedProfileVersion": VERSION,
        "version": GECKO_VERSION,
        "interval": interval(header.rate),
        "startTime": header.began_unix_ns as f64 / 1e6,
        "startTimeAsClockMonotonicNanosecondsSinceBoot": header.began.0,
        "profilingStartTime": 0,
        "profilingEndTime": duration,
        "processType": 0,
        "product": subject.title(options),
        "importedFrom": format!("somno {}", header.version),
        "arguments": text::clean(&header.command_line.join(" ")),
        "stackwalk": 1,
        "debug": false,
        "symbolicated": true,
        "usesOnlyOneStackType": true,
        "sourceCodeIsNotOnSearchfox": true,
        "platform": "Linux",
        "oscpu": format!("Linux {}", header.machine.kernel),
        "abi": header.machine.architecture,
        "logicalCPUs": header.machine.cpus,
        "categories": categories,
        "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns"},
        "markerSchema": [],
        "extensions": {"length": 0, "baseURL": [], "id": [], "name": []},
        "extra": [{
            "label": "Recording",
            "entries": [{"label": "Samples", "format": "string", "value": subject.remark}],
        }],
    })
}

/// Milliseconds between samples: of a period of events they are not known, and 1 is what
/// the timeline then has room for.
fn interval(rate: Rate) -> f64 {
    match rate {
        Rate::Frequency(hertz) => 1e3 / hertz.get() as f64,
        Rate::Period(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture::Fixture;
    use crate::profile::header::Unit;

    fn written(fixture: &Fixture) -> Value {
        let mut bytes = Vec::new();
        fixture
            .subject(|subject| write(subject, &Options::default(), &mut bytes))
            .expect("memory takes everything");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }

    /// Follows a sample to its functions, leaf first: name, category, inline depth, line.
    fn stack(file: &Value, thread: usize, sample: usize) -> Vec<(String, String, u64, u64)> {
        let shared = &file["shared"];
        let at = |table: &str, column: &str, index: u64| {
            let index = usize::try_from(index).expect("it is small");
            shared[table][column][index].clone()
        };
        let mut stack = file["threads"][thread]["samples"]["stack"][sample].as_u64();
        let mut functions = Vec::new();
        while let Some(index) = stack {
            let of = |value: Value| value.as_u64().expect("it is a number");
            let frame = of(at("stackTable", "frame", index));
            let name = of(at("funcTable", "name", of(at("frameTable", "func", frame))));
            let category = of(at("frameTable", "category", frame));
            let text = |value: &Value| value.as_str().expect("it is text").to_owned();
            functions.push((
                text(&shared["stringArray"][usize::try_from(name).expect("it is small")]),
                text(
                    &file["meta"]["categories"][usize::try_from(category).expect("small")]["name"],
                ),
                of(at("frameTable", "inlineDepth", frame)),
                of(at("frameTable", "line", frame)),
            ));
            stack = at("stackTable", "prefix", index).as_u64();
        }
        functions
    }

    /// Check that stacks can be followed, with categories, inlined functions and lines.
    #[test]
    fn stacks_can_be_followed() {
        let mut fixture = Fixture::new();
        fixture.add("main;f;g_[i];lib:read;j_[j];sys_[k]");
        let file = written(&fixture);
        let expected = [
            ("sys", "Kernel", 0, 1),
            ("j", "JIT", 0, 1),
            ("read", "Library", 0, 1),
            ("g", "Inlined", 1, 2),
            ("f", "Program", 0, 1),
            ("main", "Program", 0, 1),
        ];
        let stack = stack(&file, 0, 0);
        let stack: Vec<_> = stack
            .iter()
            .map(|(a, b, c, d)| (&a[..], &b[..], *c, *d))
            .collect();
        assert_eq!(stack, expected);
        let libs = file["libs"].as_array().expect("it is a list");
        let names: Vec<_> = libs.iter().map(|lib| &lib["name"]).collect();
        assert_eq!(names, ["prog", "libc.so.6", "[kernel.kallsyms]"]);
        assert_eq!(libs[0]["codeId"], "ab".repeat(20));
        assert_eq!(libs[0]["breakpadId"], format!("{}0", "AB".repeat(16)));
        assert_eq!(file["shared"]["sources"]["length"], 1);
    }

    /// Check that every column of a table is as long as it says.
    #[test]
    fn columns_have_one_length() {
        let mut fixture = Fixture::new();
        fixture
            .add("main;f;g_[i]")
            .add("lib:x")
            .add("[lost]")
            .add("");
        let file = written(&fixture);
        let shared = file["shared"].as_object().expect("it is an object");
        let tables = shared.iter().filter(|(name, _)| *name != "stringArray");
        let samples = &file["threads"][0]["samples"];
        for (name, table) in tables.chain([(&"samples".to_owned(), samples)]) {
            let length = table["length"].as_u64().expect(name);
            for (column, values) in table.as_object().expect(name) {
                if let Some(values) = values.as_array() {
                    assert_eq!(values.len() as u64, length, "{name}.{column}");
                }
            }
        }
        assert_eq!(samples["stack"][3], Value::Null);
    }

    /// Check the times, weights and CPU times of threads.
    #[test]
    fn threads_have_times() {
        let mut fixture = Fixture::new();
        fixture
            .add("main")
            .add_of("worker", 100, 102, 2, "main")
            .add("main");
        let file = written(&fixture);
        let [main, worker] = [&file["threads"][0], &file["threads"][1]];
        assert_eq!(main["samples"]["time"], json!([1.0, 3.0]));
        assert_eq!(
            (&main["isMainThread"], &main["pid"]),
            (&json!(true), &json!("100"))
        );
        assert_eq!(
            (&worker["name"], &worker["processName"]),
            (&json!("worker"), &json!("prog"))
        );
        assert_eq!(worker["samples"]["weight"], json!([2]));
        assert_eq!(worker["samples"]["threadCPUDelta"], json!([2_000_000]));

        fixture.header.events[0].unit = Unit::Nanoseconds;
        let file = written(&fixture);
        let samples = &file["threads"][1]["samples"];
        assert_eq!(samples["weight"], json!([0.000_002]));
        assert_eq!(samples["weightType"], "tracing-ms");
        assert_eq!(samples["threadCPUDelta"], Value::Null);
    }
}
