//! A report as one JSON object: what `--stats` has, functions and threads.

use std::collections::BTreeMap;

use serde::Serialize;

use super::stats::Stats;
use crate::profile::modules::ModuleTable;
use crate::recording::Recording;
use crate::view::threads::ThreadSamples;
use crate::view::top::Function;

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    stats: &'a Stats,
    functions: Vec<FunctionRow>,
    threads: Vec<ThreadRow<'a>>,
}

#[derive(Serialize)]
struct FunctionRow {
    name: String,
    module: String,
    #[serde(rename = "self")]
    own: u64,
    total: u64,
}

#[derive(Serialize)]
struct ThreadRow<'a> {
    pid: u32,
    tid: u32,
    comm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: &'a BTreeMap<String, String>,
    samples: u64,
}

impl FunctionRow {
    fn new(function: &Function, modules: &ModuleTable) -> Self {
        Self {
            name: function.name.to_string(),
            module: function.place.path(modules),
            own: function.own.0,
            total: function.total.0,
        }
    }
}

impl<'a> From<&'a ThreadSamples> for ThreadRow<'a> {
    fn from(thread: &'a ThreadSamples) -> Self {
        Self {
            pid: thread.pid.0,
            tid: thread.tid.0,
            comm: &thread.comm,
            cgroup: thread.cgroup.as_deref(),
            env: &thread.variables,
            samples: thread.samples,
        }
    }
}

/// Makes the object of a recording of so many bytes.
///
/// # Panics
/// Never: the object has string keys only.
#[must_use]
pub fn text(
    recording: &Recording,
    bytes: u64,
    functions: &[Function],
    threads: &[ThreadSamples],
) -> String {
    let Recording {
        header,
        profile,
        names,
        tally,
        totals,
        ..
    } = recording;
    let modules = profile.modules();
    let report = Report {
        stats: &Stats::new(header, totals, tally, names, bytes),
        functions: functions
            .iter()
            .map(|function| FunctionRow::new(function, modules))
            .collect(),
        threads: threads.iter().map(ThreadRow::from).collect(),
    };
    let mut text = serde_json::to_string_pretty(&report).expect("string keys only");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder, everything};
    use crate::view::{threads, top};

    /// Check that the counts, functions and threads are in one object, names unharmed by JSON.
    #[test]
    fn the_object_has_everything() {
        let recording = Builder::new()
            .stack(&["main", "a\"b\x1b"], 2)
            .stack(&["main", "k_[k]"], 1)
            .build();
        let selection = everything(&recording);
        let text = text(
            &recording,
            7,
            &top::hottest(&selection),
            &threads::busiest(&selection),
        );
        let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(value["samples"], 3);
        assert_eq!(value["user"]["complete"], 3);
        assert_eq!(value["bytes_written"], 7);
        let functions = serde_json::json!([
            {"name": "a\"b?", "module": "/bin/program", "self": 2, "total": 2},
            {"name": "k_[k]", "module": "[kernel]", "self": 1, "total": 1},
            {"name": "main", "module": "/bin/program", "self": 0, "total": 3},
        ]);
        assert_eq!(value["functions"], functions);
        let threads = serde_json::json!([
            {"pid": 10, "tid": 10, "comm": "program", "samples": 3}
        ]);
        assert_eq!(value["threads"], threads);
    }
}
