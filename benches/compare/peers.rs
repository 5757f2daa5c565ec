//! One workload alone, under somno and under `perf record`, in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Usage, measure, median, number, run_somno};

const RATES: [u32; 2] = [999, 9_999];

/// Compares at each rate, and prints a row for each peer.
pub(crate) fn run(room: &Path, runs: usize) {
    let work = compile(room);
    println!(
        "{:<22} {:>6} {:>10} {:>9} {:>10} {:>12} {:>10} {:>9} {:>7}",
        "profiler",
        "Hz",
        "wall ratio",
        "CPU ratio",
        "samples",
        "bytes",
        "complete",
        "first ms",
        "lost"
    );
    for rate in RATES {
        let peers = [Peer::Somno, Peer::Perf("fp"), Peer::Perf("dwarf")];
        let mut rounds: Vec<Vec<Round>> = peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..runs {
            for (peer, rounds) in peers.iter().zip(&mut rounds) {
                let alone = measure(&mut Command::new(&work));
                rounds.push(peer.round(&alone, &work, room, rate));
            }
        }
        for (peer, rounds) in peers.iter().zip(&rounds) {
            println!("{}", row(*peer, rate, rounds));
        }
    }
    somno_costs(&work, room);
}

fn compile(room: &Path) -> PathBuf {
    let work = room.join("work");
    let status = Command::new("cc")
        .args(["-O0", "-g", "-fno-omit-frame-pointer", "-pthread"])
        .arg("assets/fixtures/work.c")
        .arg("-o")
        .arg(&work)
        .status()
        .expect("cc runs");
    assert!(status.success(), "cc: {status}");
    work
}
/// One run beside one alone.
struct Round {
    wall_ratio: f64,
    cpu_ratio: f64,
    samples: f64,
    bytes: f64,
    complete: f64,
    first_ms: f64,
    lost: f64,
}

#[derive(Clone, Copy)]
enum Peer {
    Somno,
    Perf(&'static str),
}

impl Peer {
    fn name(self) -> String {
        match self {
            Self::Somno => "somno record".into(),
            Self::Perf(graph) => format!("perf --call-graph {graph}"),
        }
    }

    fn round(self, alone: &Usage, work: &Path, room: &Path, rate: u32) -> Round {
        match self {
            Self::Somno => somno_round(alone, work, room, rate),
            Self::Perf(graph) => perf_round(alone, work, room, rate, graph),
        }
    }
}

fn somno_round(alone: &Usage, work: &Path, room: &Path, rate: u32) -> Round {
    let folded = room.join("somno.folded");
    let (usage, stats) = run_somno(&Command::new(work), room, rate, &folded);
    let samples = number(&stats["samples"]);
    Round {
        wall_ratio: usage.wall.as_secs_f64() / alone.wall.as_secs_f64(),
        cpu_ratio: usage.cpu.as_secs_f64() / alone.cpu.as_secs_f64(),
        samples,
        bytes: number(&stats["bytes_written"]),
        complete: number(&stats["user"]["complete"]) / samples,
        first_ms: number(&stats["start_to_first_sample_ns"]) / 1e6,
        lost: stats["lost"]
            .as_object()
            .expect("lost is an object")
            .values()
            .map(number)
            .sum(),
    }
}

fn perf_round(alone: &Usage, work: &Path, room: &Path, rate: u32, graph: &str) -> Round {
    let data = room.join("perf.data");
    let usage = measure(
        Command::new("perf")
            .args(["record", "-q", "-e", "cpu-clock", "-k", "CLOCK_MONOTONIC"])
            .args(["-F", &rate.to_string(), "--call-graph", graph, "-o"])
            .arg(&data)
            .arg("--")
            .arg(work),
    );
    let script = Command::new("perf")
        .args([
            "script",
            "--ns",
            "-F",
            "time,ip,sym",
            "--show-lost-events",
            "-i",
        ])
        .arg(&data)
        .output()
        .expect("perf runs");
    let script = String::from_utf8_lossy(&script.stdout);
    let stacks: Vec<_> = script
        .split("\n\n")
        .filter(|stack| stack.contains('\n'))
        .collect();
    // A thread's stack is whole when it shows the thread's own function.
    let whole = stacks
        .iter()
        .filter(|stack| {
            stack.contains(" work\n") || stack.ends_with(" work") || stack.contains(" main")
        })
        .count();
    let first = stacks
        .iter()
        .filter_map(|stack| stack.split(':').next()?.trim().parse::<f64>().ok())
        .fold(f64::INFINITY, f64::min);
    Round {
        wall_ratio: usage.wall.as_secs_f64() / alone.wall.as_secs_f64(),
        cpu_ratio: usage.cpu.as_secs_f64() / alone.cpu.as_secs_f64(),
        samples: stacks.len() as f64,
        bytes: fs::metadata(&data).map_or(0, |metadata| metadata.len()) as f64,
        complete: whole as f64 / stacks.len() as f64,
        first_ms: first * 1e3 - usage.started_ns as f64 / 1e6,
        lost: script.matches("PERF_RECORD_LOST").count() as f64,
    }
}

fn row(peer: Peer, rate: u32, rounds: &[Round]) -> String {
    let median = |field: fn(&Round) -> f64| median(rounds.iter().map(field).collect());
    format!(
        "{:<22} {:>6} {:>10.3} {:>9.3} {:>10.0} {:>12.0} {:>9.2}% {:>9.0} {:>7.0}",
        peer.name(),
        rate,
        median(|round| round.wall_ratio),
        median(|round| round.cpu_ratio),
        median(|round| round.samples),
        median(|round| round.bytes),
        median(|round| round.complete) * 100.0,
        median(|round| round.first_ms),
        median(|round| round.lost),
    )
}

/// What somno says of itself, to check against the ratios above.
fn somno_costs(work: &Path, room: &Path) {
    let (_, stats) = run_somno(&Command::new(work), room, 9_999, &room.join("somno.svg"));
    let cost = &stats["cost"];
    println!("\nsomno's own account at 9,999 Hz:");
    for half in ["nmi_ns", "deferred_ns"] {
        println!(
            "  {half}: median {}, 99th percentile {}",
            cost[half]["p50"], cost[half]["p99"]
        );
    }
    println!(
        "  user space: {:.2} % of one CPU, {:.1} MB anonymous memory",
        number(&cost["user_space_cpu_ns"]) * 100.0 / number(&stats["duration_ns"]),
        number(&cost["max_anon_bytes"]) / 1e6,
    );
}
