//! What a user stack without frame pointers costs: Debian's python3, warm, and the
//! first samples of processes that were never seen.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::measure::{measure, median, number, run_somno};

const RATE: u32 = 9_999;
const PYTHON: &str = "/usr/bin/python3";

/// Prints the cost of both halves, and the slow-down of the workload to check it by.
pub(crate) fn run(room: &Path, runs: usize) {
    let rounds: Vec<_> = (0..runs).map(|_| Round::run(room)).collect();
    let of = |figure: &dyn Fn(&Value) -> f64| {
        median(rounds.iter().map(|round| figure(&round.stats)).collect())
    };
    let halves = |stats: &Value| number(&stats["user_halves"]);
    println!("\nwarm python3 at {RATE} Hz, medians of {runs} runs:");
    println!(
        "  {:.2} frames a sample, {:.2} % complete, rules cached {:.2} %",
        of(&|stats| {
            let frames = &stats["frames"];
            (number(&frames["cfi"]) + number(&frames["frame_pointer"])) / halves(stats) + 1.0
        }),
        of(&|stats| number(&stats["user"]["complete"]) * 100.0 / number(&stats["samples"])),
        of(&|stats| {
            let (cached, found) = (
                number(&stats["frames"]["rule_cached"]),
                number(&stats["frames"]["rule_found"]),
            );
            cached * 100.0 / (cached + found)
        }),
    );
    for half in ["nmi_ns", "deferred_ns"] {
        println!(
            "  {half}: median {:.0}, 99th percentile {:.0}, mean {:.0}",
            of(&|stats| number(&stats["cost"][half]["p50"])),
            of(&|stats| number(&stats["cost"][half]["p99"])),
            of(&|stats| number(&stats["cost"][half]["total"]) / number(&stats["samples"])),
        );
    }
    println!(
        "  the workload's own CPU time: {:.3} of that alone; both halves account for {:.3}",
        median(rounds.iter().map(|round| round.slower).collect()),
        of(&|stats| {
            let own = number(&stats["cost"]["nmi_ns"]["total"])
                + number(&stats["cost"]["deferred_ns"]["total"]);
            let all = number(&stats["samples"]) * 1e9 / f64::from(RATE);
            all / (all - own)
        }),
    );
    first_samples(room, runs * 4);
}

/// A run beside one alone.
struct Round {
    stats: Value,
    /// CPU time of the workload, to that alone
    slower: f64,
}

impl Round {
    fn run(room: &Path) -> Self {
        let cpu_time = room.join("deep.time");
        let mut deep = Command::new(PYTHON);
        deep.args(["benches/compare/deep.py", "12000"])
            .arg(&cpu_time);
        let seconds = || -> f64 {
            let text = fs::read_to_string(&cpu_time).expect("the workload wrote it");
            text.parse().expect("it is a number")
        };
        measure(&mut deep);
        let alone = seconds();
        let (_, stats) = run_somno(&deep, room, RATE, &room.join("deep.folded"));
        Self {
            stats,
            slower: seconds() / alone,
        }
    }
}

/// A somno that is new too knows no module: each process's first sample reads everything.
fn first_samples(room: &Path, runs: usize) {
    let worst: Vec<_> = (0..runs)
        .map(|_| {
            let mut short = Command::new(PYTHON);
            short.args(["-c", "sum(range(400000))"]);
            let (_, stats) = run_somno(&short, room, 99, &room.join("short.folded"));
            (
                number(&stats["user_halves"]),
                number(&stats["cost"]["deferred_ns"]["p99"]) / 1e3,
            )
        })
        .filter(|(halves, _)| *halves > 0.0)
        .collect();
    println!(
        "the first samples of a python3 and a somno that are new, {:.0} each in {} runs:\n  \
         the longest user half: median {:.0} us, longest of all {:.0} us",
        median(worst.iter().map(|(halves, _)| *halves).collect()),
        worst.len(),
        median(worst.iter().map(|(_, us)| *us).collect()),
        worst.iter().map(|(_, us)| *us).fold(0.0, f64::max),
    );
}
