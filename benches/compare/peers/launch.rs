//! Running a profiler around a workload, and what that took.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rustix::process::{Pid, Signal, kill_process};

use super::workload::{Work, Workload, command, now};

/// How often the profiler's memory is looked at, and whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(120);

/// How a profiler comes by the workload.
pub(super) enum Start {
    /// It takes the command's words behind its own.
    Words,
    /// It takes the command as one word.
    OneWord,
    /// It is there before, once this holds of its pid and what it has printed, and SIGINT ends it.
    Beside(fn(u32, &str) -> bool),
}

/// What a run took; times in seconds.
pub(super) struct Run {
    pub(super) work: Work,
    /// The profiler's processes without the workload's.
    pub(super) cpu: f64,
    /// The most that was resident of the profiler's process.
    pub(super) peak_bytes: u64,
    /// `CLOCK_MONOTONIC`
    pub(super) started: f64,
    pub(super) ended: f64,
    /// All that the profiler printed.
    pub(super) said: String,
}

/// Runs the workload alone.
pub(super) fn alone(workload: &Workload, room: &Path) -> Work {
    let (words, result) = command(workload, room);
    crate::measure::measure(Command::new(&words[0]).args(&words[1..]));
    Work::read(&result).expect("nothing was in its way")
}

/// Runs it under a profiler.
///
/// # Errors
/// What the profiler said when it failed.
pub(super) fn under(
    mut profiler: Command,
    start: &Start,
    workload: &Workload,
    room: &Path,
) -> Result<Run, String> {
    let (words, result) = command(workload, room);
    let _ = fs::remove_file(&result);
    match start {
        Start::Words => profiler.args(&words),
        Start::OneWord => profiler.arg(one_word(&words, room)),
        Start::Beside(_) => &mut profiler,
    };
    let said = room.join("said");
    let output = File::create(&said).expect("the directory is writable");
    profiler
        .stdin(Stdio::null())
        .stderr(output.try_clone().expect("it is open"))
        .stdout(output);
    let before = children_cpu();
    let started = now();
    let mut child = profiler.spawn().map_err(|error| error.to_string())?;
    let read = || fs::read_to_string(&said).unwrap_or_default();
    let mut peak_bytes = 0;
    if let Start::Beside(ready) = start {
        let pid = child.id();
        let is_ready = || ready(pid, &read());
        let ended =
            watch(&mut child, &mut peak_bytes, is_ready).map_err(|error| error.to_string())?;
        if ended.is_some() || !is_ready() {
            return Err(in_short(&read()));
        }
        let work = Command::new(&words[0]).args(&words[1..]).status();
        work.expect("this program runs");
        look(&child, &mut peak_bytes);
        kill_process(Pid::from_child(&child), Signal::INT).map_err(|error| error.to_string())?;
    }
    let status = watch(&mut child, &mut peak_bytes, || false).map_err(|error| error.to_string())?;
    let ended = now();
    let said = read();
    if !status.is_some_and(|status| status.success()) {
        return Err(in_short(&said));
    }
    let work = Work::read(&result)?;
    let both = children_cpu().saturating_sub(before).as_secs_f64();
    let cpu = (both - work.cpu).max(0.0);
    Ok(Run {
        work,
        cpu,
        peak_bytes,
        started,
        ended,
        said,
    })
}

/// Waits for the end, for so long, or until something else is so.
fn watch(
    child: &mut Child,
    peak_bytes: &mut u64,
    until: impl Fn() -> bool,
) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if until() {
            return Ok(None);
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        look(child, peak_bytes);
        thread::sleep(LOOK);
    }
}

/// The kernel keeps the highest, so that looking now and then is enough.
fn look(child: &Child, peak_bytes: &mut u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    *peak_bytes = (*peak_bytes).max(kilobytes.unwrap_or(0) * 1024);
}

/// A script, because bpftrace splits at every space; it starts no scripts itself.
fn one_word(words: &[String], room: &Path) -> String {
    let script = room.join("work.sh");
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
        .collect();
    fs::write(&script, format!("exec {}\n", words.join(" "))).expect("the directory is writable");
    format!("/bin/sh {}", script.display())
}

fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is always there");
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.cast_unsigned())
}

/// All that it said, as one line of a bearable length.
fn in_short(said: &str) -> String {
    let words: Vec<_> = said.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}
