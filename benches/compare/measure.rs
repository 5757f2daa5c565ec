//! Running processes, and what that took.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::Value;

/// What running a process took.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// Runs a process to its end, quietly.
pub(crate) fn measure(command: &mut Command) -> Usage {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is always there");
        let microseconds =
            usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(microseconds.cast_unsigned())
    };
    let before = cpu();
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
    }
}

/// Runs a command under somno; leaves what `--stats` says.
pub(crate) fn run_somno(
    command: &Command,
    room: &Path,
    rate: u32,
    output: &Path,
) -> (Usage, Value) {
    let stats = room.join("somno.json");
    let usage = measure(
        Command::new(env!("CARGO_BIN_EXE_somno"))
            .args(["record", "-e", "cpu-clock", "-F", &rate.to_string(), "-o"])
            .arg(output)
            .arg("--stats")
            .arg(&stats)
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args()),
    );
    let text = fs::read_to_string(&stats).expect("somno wrote its counts");
    (usage, serde_json::from_str(&text).expect("it is JSON"))
}

/// The middle one of values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A number of `--stats`.
pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}
