//! The same workloads under every profiler that is here, in one run, as one table.
//!
//! At the first rate each workload runs alone and under each profiler by turns: how many of
//! its stacks are complete, and how much longer it took. What a profiler itself takes is that
//! of its runs with the first workload. Then two cores are kept busy at each rate, and every
//! profiler says how much it lost. `RATES` names other rates, and `WORK` how much is worked,
//! in percent, for machines that are emulated.

mod bpftrace;
mod first_frame;
mod launch;
mod layout;
mod lightswitch;
mod peer;
mod perf;
mod profile_bee;
mod samply;
mod script;
mod somno;
mod table;
mod workload;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use first_frame::FirstFrames;
use launch::{Run, alone, under};
use layout::Layout;
use peer::{Counts, Graph, Judge, Peer};
use workload::Workload;

use crate::measure::{number, run_somno};

pub(crate) use workload::{AS_PARENT, be_parent};

const RATES: &str = "999 9999 20000";

/// What is in a row.
struct Figures {
    name: &'static str,
    workloads: Vec<Result<OfWorkload, String>>,
    costs: Option<Costs>,
    losses: Vec<Result<Counts, String>>,
}

/// How it went with one workload.
struct OfWorkload {
    samples: u64,
    complete: u64,
    /// The workload's time, to that alone just before.
    slower: Vec<f64>,
}

/// What a profiler takes.
struct Costs {
    cpu: f64,
    peak_bytes: u64,
    bytes: u64,
    first_ms: Option<f64>,
    /// From the end of the workload to the flame graph.
    graph_s: Option<f64>,
}

/// Compares, and prints the table, with what is not here and what failed, and the commands.
pub(crate) fn run(room: &Path, runs: usize) {
    let peers = present();
    let rates = rates();
    let work = env::var("WORK").map_or(100, |work| work.parse().expect("WORK is a number"));
    let workloads = workload::all(room, work);
    let mut firsts = FirstFrames::default();
    let mut rows: Vec<Figures> = peers
        .iter()
        .map(|peer| Figures {
            name: peer.name(),
            workloads: Vec::new(),
            costs: None,
            losses: Vec::new(),
        })
        .collect();
    for (index, workload) in workloads.iter().enumerate() {
        let layout = layout(workload, rates[0], room);
        let mut judge = Judge {
            layout: &layout,
            firsts: &mut firsts,
        };
        for (peer, row) in peers.iter().zip(&mut rows) {
            eprintln!("{}: {}", workload.name, peer.name());
            let (figures, costs) = pairs(&**peer, workload, rates[0], runs, room, &mut judge);
            row.workloads.push(figures);
            if index == 0 {
                row.costs = costs.map(|costs| Costs {
                    graph_s: graph_s(&**peer, workload, rates[0], &costs, room),
                    ..costs
                });
            }
        }
    }
    let busy = workload::two_cores(work);
    let layout = layout(&busy, rates[0], room);
    for &rate in &rates {
        for (peer, row) in peers.iter().zip(&mut rows) {
            eprintln!("{} at {rate} Hz: {}", busy.name, peer.name());
            let run = if rate > peer.highest_rate() {
                Err(format!("it takes {} Hz at most", peer.highest_rate()))
            } else {
                under(peer.command(rate, room), &peer.start(), &busy, room)
            };
            row.losses
                .push(run.map(|run| peer.counts(&run, room, &layout)));
            let _ = fs::remove_file(peer.recording(room));
        }
    }
    let names: Vec<_> = workloads.iter().map(|workload| &*workload.name).collect();
    table::print(&names, &rates, &rows);
    print_failures(&names, &rates, &rows);
    print_commands(&peers, workloads.iter().chain([&busy]), rates[0], room);
    somno_costs(&workloads[0], rates[rates.len() / 2], room);
}

/// Says which are here, in which version, and why the others are not.
fn present() -> Vec<Box<dyn Peer>> {
    let all: Vec<Box<dyn Peer>> = vec![
        Box::new(somno::Somno),
        Box::new(perf::Perf {
            name: "perf, fp",
            callers: "fp",
        }),
        Box::new(perf::Perf {
            name: "perf, dwarf",
            callers: "dwarf",
        }),
        Box::new(samply::Samply),
        Box::new(profile_bee::ProfileBee {
            name: "profile-bee, fp",
            dwarf: false,
        }),
        Box::new(profile_bee::ProfileBee {
            name: "profile-bee, dwarf",
            dwarf: true,
        }),
        Box::new(bpftrace::Bpftrace),
        Box::new(lightswitch::Lightswitch),
    ];
    let is_here = |peer: &dyn Peer| match peer.version() {
        Ok(version) => {
            println!("here: {}: {version}", peer.name());
            true
        }
        Err(why) => {
            println!("not here: {}: {why}", peer.name());
            false
        }
    };
    all.into_iter().filter(|peer| is_here(&**peer)).collect()
}

/// Samples a second to compare at; each workload runs at the first.
fn rates() -> Vec<u32> {
    let rates = env::var("RATES").unwrap_or_else(|_| RATES.to_owned());
    let rates: Result<Vec<_>, _> = rates.split_whitespace().map(str::parse).collect();
    let rates = rates.expect("RATES are numbers");
    assert!(!rates.is_empty(), "RATES has one at least");
    rates
}

/// What is mapped where in a workload, from a recording of perf's.
fn layout(workload: &Workload, rate: u32, room: &Path) -> Layout {
    let perf = perf::Perf {
        name: "perf",
        callers: "fp",
    };
    under(perf.command(rate, room), &perf.start(), workload, room).expect("perf records");
    Layout::read(&perf.recording(room))
}

/// Runs a workload alone and under a profiler by turns; what the profiler takes is of the last.
fn pairs(
    peer: &dyn Peer,
    workload: &Workload,
    rate: u32,
    runs: usize,
    room: &Path,
    judge: &mut Judge<'_>,
) -> (Result<OfWorkload, String>, Option<Costs>) {
    let mut slower = Vec::new();
    let mut last = Err("it did not run".to_owned());
    for _ in 0..runs {
        let alone = alone(workload, room);
        last = under(peer.command(rate, room), &peer.start(), workload, room);
        match &last {
            Ok(run) => slower.push(run.work.wall / alone.wall),
            Err(_) => break,
        }
    }
    let run = match last {
        Ok(run) => run,
        Err(why) => return (Err(why), None),
    };
    let stacks = peer.stacks(&run, room, judge);
    let costs = costs(&run, &peer.recording(room), stacks.first_ms);
    let figures = OfWorkload {
        samples: stacks.samples,
        complete: stacks.complete,
        slower,
    };
    (Ok(figures), Some(costs))
}

fn costs(run: &Run, recording: &Path, first_ms: Option<f64>) -> Costs {
    Costs {
        cpu: run.cpu,
        peak_bytes: run.peak_bytes,
        bytes: fs::metadata(recording).map_or(0, |metadata| metadata.len()),
        first_ms,
        graph_s: Some(run.ended - run.work.ended),
    }
}

/// From the end of the workload to the flame graph.
fn graph_s(
    peer: &dyn Peer,
    workload: &Workload,
    rate: u32,
    costs: &Costs,
    room: &Path,
) -> Option<f64> {
    match peer.graph(rate, room) {
        Graph::Run(command) => under(command, &peer.start(), workload, room)
            .ok()
            .map(|run| run.ended - run.work.ended),
        Graph::Convert(convert) => {
            let began = Instant::now();
            convert(&peer.recording(room));
            costs
                .graph_s
                .map(|seconds| seconds + began.elapsed().as_secs_f64())
        }
        Graph::None => None,
    }
}

/// Draws folded stacks beside the recording that they are of.
fn draw(folded: &[u8], recording: &Path) {
    let mut options = inferno::flamegraph::Options::default();
    let svg = fs::File::create(recording.with_extension("svg")).expect("the directory is writable");
    inferno::flamegraph::from_reader(&mut options, folded, svg).expect("there are stacks");
}

fn print_failures(workloads: &[&str], rates: &[u32], rows: &[Figures]) {
    let busy: Vec<_> = rates.iter().map(|rate| format!("{rate} Hz")).collect();
    for row in rows {
        let of_workloads = row.workloads.iter().zip(workloads.iter().copied());
        let of_workloads =
            of_workloads.filter_map(|(figures, name)| Some((name, figures.as_ref().err()?)));
        let of_rates = row.losses.iter().zip(busy.iter().map(String::as_str));
        let of_rates = of_rates.filter_map(|(counts, name)| Some((name, counts.as_ref().err()?)));
        for (name, why) in of_workloads.chain(of_rates) {
            println!("failed: {}, {name}: {why}", row.name);
        }
    }
}

fn print_commands<'a>(
    peers: &[Box<dyn Peer>],
    workloads: impl Iterator<Item = &'a Workload>,
    rate: u32,
    room: &Path,
) {
    println!("\nThe commands, at {rate} Hz:\n\n```sh");
    for peer in peers {
        let command = peer.command(rate, room);
        let variables = command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let variables =
            variables.map(|(name, value)| format!("{}={}", name.display(), value.display()));
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words = words.map(|word| quoted(&word.to_string_lossy(), room));
        let behind = match peer.start() {
            launch::Start::Words => " COMMAND",
            launch::Start::OneWord => " 'COMMAND'",
            launch::Start::Beside(_) => " & COMMAND; kill -INT %1",
        };
        println!(
            "{}{behind}",
            variables.chain(words).collect::<Vec<_>>().join(" ")
        );
    }
    println!();
    for workload in workloads {
        let words: Vec<_> = workload
            .command
            .iter()
            .map(|word| quoted(word, room))
            .collect();
        println!("{}  # {}", words.join(" "), workload.name);
    }
    println!("```");
}

/// A word as it would be typed, our own files by their names only.
fn quoted(word: &str, room: &Path) -> String {
    let word = match Path::new(word).strip_prefix(room) {
        Ok(inside) => inside.to_string_lossy(),
        Err(_) if word == env!("CARGO_BIN_EXE_somno") => "somno".into(),
        Err(_) => word.into(),
    };
    let is_plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_./,:=+".contains(letter));
    if is_plain {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What somno says of itself, to check against the ratios above.
fn somno_costs(workload: &Workload, rate: u32, room: &Path) {
    let mut command = Command::new(&workload.command[0]);
    command.args(&workload.command[1..]);
    let (_, stats) = run_somno(&command, room, rate, &room.join("somno.svg"));
    let cost = &stats["cost"];
    println!("\nsomno's own account of {} at {rate} Hz:", workload.name);
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
