//! What is profiled: the same programs, with the same work, under every profiler.
//!
//! Each runs inside of this program, started anew as its parent (`--workload`), which tells
//! how long the work itself took, whatever the profiler does before and after it. Without
//! randomized addresses: those of one run are then those of the next, and where a profiler
//! leaves only addresses, [`super::layout`] knows what they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::table::thousands;
use crate::measure::{measure, number};

/// The parameter by which this program is the parent of a workload.
pub(crate) const AS_PARENT: &str = "--workload";

const PYTHON: &str = "sum(i * i for i in range(200_000))";
const NODE: &str = "const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);
    let text = JSON.stringify([...Array(20000).keys()].map(i => ({ i, s: 's' + i })));
    for (let i = 0; i < ROUNDS; i++) { JSON.parse(text).sort((a, b) => a.s < b.s ? -1 : 1); fib(25); }";
const SOURCE: &str = "#include <map>\n#include <regex>\n#include <string>\n\
    std::map<std::string, std::regex> all;\n\
    bool any(const std::string &s) { for (auto &e : all) if (std::regex_match(s, e.second)) return true; return false; }\n";
const SHORT: &str = "i=0; while [ $i -lt ROUNDS ]; do perl -e '1 for 1..40000'; i=$((i+1)); done";

/// A command with a fixed amount of work.
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) command: Vec<String>,
}

impl Workload {
    fn new(name: &str, command: &[&str]) -> Self {
        let command = command.iter().copied().map(str::to_owned).collect();
        let name = name.to_owned();
        Self { name, command }
    }
}

/// A second or more each, with the files that they need; of so many percent of that work, where
/// it is in parts.
pub(super) fn all(room: &Path, work: usize) -> Vec<Workload> {
    let rounds = |all: usize| (all * work / 100).to_string();
    let zeros = room.join("zeros");
    fs::File::create(&zeros)
        .and_then(|file| file.set_len((512 << 20) * work as u64 / 100))
        .expect("the directory is writable");
    let source = room.join("source.cc");
    fs::write(&source, SOURCE).expect("the directory is writable");
    let python = format!("for _ in range({}): {PYTHON}", rounds(100));
    let node = NODE.replace("ROUNDS", &rounds(45));
    let short = SHORT.replace("ROUNDS", &rounds(1000));
    let (zeros, source) = (zeros.to_string_lossy(), source.to_string_lossy());
    vec![
        Workload::new("python3", &["/usr/bin/python3", "-c", &python]),
        Workload::new("node", &["node", "-e", &node]),
        Workload::new("openssl", &["openssl", "dgst", "-sha512", &zeros]),
        Workload::new("g++", &["g++", "-O2", "-c", &source, "-o", "/dev/null"]),
        Workload::new(
            &format!("{} short", thousands(1000 * work as u64 / 100)),
            &["sh", "-c", &short],
        ),
    ]
}

/// One that keeps two CPUs busy.
pub(super) fn two_cores(work: usize) -> Workload {
    let python = format!("for _ in range({}): {PYTHON}", 80 * work / 100);
    let one = format!("/usr/bin/python3 -c '{python}'");
    Workload::new(
        "two of python3",
        &["sh", "-c", &format!("{one} & {one}; wait")],
    )
}

/// How the work went, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Work {
    pub(super) wall: f64,
    pub(super) cpu: f64,
    /// `CLOCK_MONOTONIC`
    pub(super) ended: f64,
}

impl Work {
    /// Reads what the parent of the workload wrote.
    pub(super) fn read(result: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(result).map_err(|_| "the workload did not end")?;
        let value: Value = serde_json::from_str(&text).expect("it is JSON");
        Ok(Self {
            wall: number(&value["wall"]),
            cpu: number(&value["cpu"]),
            ended: number(&value["ended"]),
        })
    }
}

/// The command that runs the workload inside of this program, and where that writes how it went.
pub(super) fn command(workload: &Workload, room: &Path) -> (Vec<String>, PathBuf) {
    let result = room.join("work.json");
    let own = std::env::current_exe().expect("this program has a name");
    let mut command = vec![
        own.to_string_lossy().into_owned(),
        AS_PARENT.to_owned(),
        result.to_string_lossy().into_owned(),
    ];
    command.extend_from_slice(&workload.command);
    (command, result)
}

/// Runs a workload, and writes to the first argument how it went.
pub(crate) fn be_parent(arguments: &[String]) {
    let (result, command) = arguments.split_first().expect("there is a result");
    let usage = measure(
        Command::new("setarch")
            .arg("-R")
            .args(command)
            .stdin(Stdio::null()),
    );
    let work = json!({
        "wall": usage.wall.as_secs_f64(),
        "cpu": usage.cpu.as_secs_f64(),
        "ended": now(),
    });
    fs::write(result, work.to_string()).expect("the result is writable");
}

/// `CLOCK_MONOTONIC`, in seconds.
pub(super) fn now() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
