//! What looking at time off the CPU costs where tasks switch as often as they can: two
//! processes that pass a byte to and fro, alone, under `somno record --off-cpu`, and under
//! scripts for bpftrace that measure the same on `sched_switch`: without any stack, and all
//! of it with both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{measure, median};

/// Some two seconds.
const ROUNDS: &str = "200000";

/// Prints a row for each way to look on.
pub(crate) fn run(room: &Path, runs: usize) {
    let storm = compile(room);
    let somno = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_somno"));
        command.args(["record", "-o"]).arg(room.join("storm.somno"));
        command.args(options).arg("--");
        command
    };
    let has_bpftrace = Command::new("bpftrace").arg("--version").output().is_ok();
    let mut ways: Vec<(_, &dyn Fn() -> Seconds)> = Vec::new();
    let every = || under_somno(somno(&["--off-cpu", "0"]), &storm, room);
    let long = || under_somno(somno(&["--off-cpu"]), &storm, room);
    let every_waker = || under_somno(somno(&["--off-cpu", "0", "--wakers"]), &storm, room);
    let long_waker = || under_somno(somno(&["--off-cpu", "--wakers"]), &storm, room);
    let on_cpu = || under_somno(somno(&["-F", "999"]), &storm, room);
    let script = || under_bpftrace("off_cpu.bt", &storm, room);
    let stacks = || under_bpftrace("off_cpu_stacks.bt", &storm, room);
    ways.push(("somno record -F 999", &on_cpu));
    ways.push(("somno record --off-cpu", &long));
    ways.push(("somno record --off-cpu --wakers", &long_waker));
    ways.push(("somno record --off-cpu 0", &every));
    ways.push(("somno record --off-cpu 0 --wakers", &every_waker));
    if has_bpftrace {
        ways.push(("bpftrace off_cpu.bt", &script));
        ways.push(("bpftrace off_cpu_stacks.bt", &stacks));
    } else {
        println!("SKIP: bpftrace is not there to compare with");
    }
    let mut ratios: Vec<Vec<f64>> = ways.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for ((_, way), ratios) in ways.iter().zip(&mut ratios) {
            let alone = alone(&storm, room);
            ratios.push(way() / alone);
        }
    }
    println!("\na storm of switches, medians of {runs} runs, to that alone just before:");
    for ((name, _), ratios) in ways.iter().zip(ratios) {
        println!("  {name:<33} {:.3}", median(ratios));
    }
}

type Seconds = f64;

fn compile(room: &Path) -> PathBuf {
    let storm = room.join("storm");
    let status = Command::new("cc")
        .args(["-O2", "benches/compare/storm.c", "-o"])
        .arg(&storm)
        .status()
        .expect("cc runs");
    assert!(status.success(), "cc: {status}");
    storm
}

fn alone(storm: &Path, room: &Path) -> Seconds {
    measured(Command::new(storm), room)
}

fn under_somno(mut somno: Command, storm: &Path, room: &Path) -> Seconds {
    somno.arg(storm);
    measured(somno, room)
}

fn under_bpftrace(script: &str, storm: &Path, room: &Path) -> Seconds {
    let result = room.join("storm.time");
    let command = format!("{} {ROUNDS} {}", storm.display(), result.display());
    let script = Path::new("benches/compare").join(script);
    measure(Command::new("bpftrace").arg(script).args(["-c", &command]));
    seconds(&result)
}

/// Runs a command to which only the arguments of the storm are to be added.
fn measured(mut command: Command, room: &Path) -> Seconds {
    let result = room.join("storm.time");
    measure(command.arg(ROUNDS).arg(&result));
    seconds(&result)
}

fn seconds(result: &Path) -> Seconds {
    let text = fs::read_to_string(result).expect("the storm wrote it");
    text.trim().parse().expect("it is a number")
}
