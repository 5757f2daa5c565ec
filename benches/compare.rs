//! One workload alone, under somno and under `perf record`, in turn.
//!
//! Whole processes are timed; every figure is a median over the runs, and times
//! are ratios to the run alone that came just before, because a shared machine
//! drifts. `make bench`; RUNS=n for more or fewer rounds.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

const RUNS: usize = 5;
const RATES: [u32; 2] = [999, 9_999];

fn main() {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
    fs::create_dir_all(&room).expect("the target directory is writable");
    let work = compile(&room);
    let runs = env::var("RUNS").map_or(RUNS, |runs| runs.parse().expect("RUNS is a number"));
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
                rounds.push(peer.round(&alone, &work, &room, rate));
            }
        }
        for (peer, rounds) in peers.iter().zip(&rounds) {
            println!("{}", row(*peer, rate, rounds));
        }
    }
    somno_costs(&work, &room);
}

/// What running a process took.
#[derive(Clone, Copy)]
struct Usage {
    wall: Duration,
    cpu: Duration,
    started_ns: u64,
}

fn measure(command: &mut Command) -> Usage {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is always there");
        let microseconds =
            usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(microseconds.cast_unsigned())
    };
    let before = cpu();
    let now = clock_gettime(ClockId::Monotonic);
    let began = Instant::now();
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
    Usage {
        wall: began.elapsed(),
        cpu: cpu().saturating_sub(before),
        started_ns: now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned(),
    }
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
    let (usage, stats) = run_somno(work, room, rate, &folded);
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

fn run_somno(work: &Path, room: &Path, rate: u32, output: &Path) -> (Usage, Value) {
    let stats = room.join("somno.json");
    let usage = measure(
        Command::new(env!("CARGO_BIN_EXE_somno"))
            .args(["record", "-e", "cpu-clock", "-F", &rate.to_string()])
            .arg("-o")
            .arg(output)
            .arg("--stats")
            .arg(&stats)
            .arg("--")
            .arg(work),
    );
    let text = fs::read_to_string(&stats).expect("somno wrote its counts");
    (usage, serde_json::from_str(&text).expect("it is JSON"))
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
    let (_, stats) = run_somno(work, room, 9_999, &room.join("somno.svg"));
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
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
