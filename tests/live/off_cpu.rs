//! Time off the CPU, against the clocks of the program that is sampled.

use std::path::Path;
use std::process::Command;

use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::process::Process;
use crate::somno::{Recording, command};
use crate::stats::Stats;

/// What the fixture `waits` says of a cause: nanoseconds off the CPU, and on it.
struct Cause {
    name: String,
    off: u64,
    on: u64,
}

impl Cause {
    fn parse(line: &str) -> Self {
        let words: Vec<_> = line.split(' ').collect();
        let number = |index: usize| words[index].parse().expect("waits writes numbers");
        Self {
            name: words[0].into(),
            off: number(1),
            on: number(2),
        }
    }

    fn is_in(&self, line: &Line) -> bool {
        line.frames.contains(&self.name)
    }
}

fn causes(recording: &Recording) -> Vec<Cause> {
    let causes: Vec<_> = recording.stdout().lines().map(Cause::parse).collect();
    assert_eq!(causes.len(), 6, "{}", recording.stdout());
    causes
}

fn stats(recording: &Recording) -> Stats {
    let stats = recording.stats();
    stats.expect_sums();
    stats.expect_no_loss();
    assert_eq!(stats.count("off_cpu.untracked"), 0);
    stats
}

#[track_caller]
fn expect_near(what: &str, sampled: u64, own: u64, within: f64) {
    let ratio = sampled as f64 / own as f64;
    assert!(
        (1.0 - within..=1.0 + within).contains(&ratio),
        "{what}: somno has {sampled} ns, the program {own}, a ratio of {ratio:.4}"
    );
}

/// What `somno export` makes of a recording.
fn exported(recording: &Path, options: &[&str]) -> Folded {
    let output = command()
        .arg("export")
        .arg(recording)
        .args(["-q", "-o", "-", "--format", "folded"])
        .args(options)
        .output()
        .expect("somno can be run");
    assert!(output.status.success(), "{output:?}");
    Folded::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Check that each cause of waiting has the time that the program itself measured, with whole
/// stacks and the right state.
#[test]
fn causes_have_their_time() {
    let machine = Machine::take();
    let waits = machine.fixture("waits");
    let file = machine.path("file");
    let recording = machine
        .record()
        .options("--off-cpu 0")
        .program(waits.path(), &[&file.to_string_lossy()])
        .run()
        .exits_with(0);
    let (folded, stats) = (recording.folded(), stats(&recording));
    let mut waited = 0;
    for cause in causes(&recording) {
        let of_cause = folded.only(|line| cause.is_in(line));
        if cause.name == "wait_disk" && cause.off < 2_000_000 {
            eprintln!(
                "SKIP: the disk here does not make anybody wait: {} ns",
                cause.off
            );
            continue;
        }
        expect_near(&cause.name, of_cause.count(), cause.off, 0.05);
        of_cause.expect_all(|line| line.frames.ends_with(&["__schedule_[k]".into()]));
        match cause.name.as_str() {
            "wait_disk" => assert!(stats.count("off_cpu.uninterruptible_ns") > cause.off / 2),
            "be_preempted" => assert!(stats.count("off_cpu.preempted_ns") > cause.off / 2),
            _ => waited += cause.off,
        }
    }
    assert!(stats.count("off_cpu.interruptible_ns") > waited / 10 * 9);
    let complete = stats.count("user.complete") as f64 / stats.count("samples") as f64;
    assert!(
        complete >= 0.995,
        "{complete:.4} of user stacks are complete"
    );
    assert_eq!(stats.get("event"), "off-cpu");
    assert_eq!(stats.count("off_cpu.short_count"), 0);
}

/// Check that time on the CPU and off it is all the time that there was, and that outputs can
/// have one of them alone.
#[test]
fn wall_is_on_and_off() {
    let machine = Machine::take();
    let waits = machine.fixture("waits");
    let (file, saved) = (machine.path("file"), machine.path("saved.somno"));
    let recording = machine
        .record()
        .options("--wall 0 -F 4999")
        .output(&saved)
        .program(waits.path(), &[&file.to_string_lossy()])
        .run()
        .exits_with(0);
    stats(&recording);
    let all = recording.folded();
    let on = exported(&saved, &["--event", "on-cpu"]);
    let off = exported(&saved, &["--event", "off-cpu"]);
    assert_eq!(exported(&saved, &[]).count(), all.count());
    assert_eq!(on.count() + off.count(), all.count());

    let causes = causes(&recording);
    let is_cause = |line: &Line| causes.iter().any(|cause| cause.is_in(line));
    let own_on: u64 = causes.iter().map(|cause| cause.on).sum();
    let own_off: u64 = causes.iter().map(|cause| cause.off).sum();
    let sampled = |folded: &Folded| folded.only(is_cause).count();
    expect_near("off the CPU", sampled(&off), own_off, 0.02);
    expect_near("on the CPU", sampled(&on), own_on, 0.05);
    expect_near("wall", sampled(&all), own_on + own_off, 0.02);
}

/// Check that shorter intervals than asked for are no samples, but in the sums.
#[test]
fn short_intervals_are_summed() {
    let machine = Machine::take();
    let waits = machine.fixture("waits");
    let file = machine.path("file");
    let recording = machine
        .record()
        .options("--off-cpu 12ms")
        .program(waits.path(), &[&file.to_string_lossy()])
        .run()
        .exits_with(0);
    let (folded, stats) = (recording.folded(), stats(&recording));
    let causes = causes(&recording);
    let of = |name: &str| {
        causes
            .iter()
            .find(|cause| cause.name == name)
            .expect("it is one")
    };
    // of 20 ms each, and of 5
    expect_near(
        "wait_mutex",
        folded.only(|line| of("wait_mutex").is_in(line)).count(),
        of("wait_mutex").off,
        0.05,
    );
    let slept = folded.only(|line| of("wait_sleep").is_in(line)).count();
    let short = stats.count("off_cpu.short_ns");
    assert!(
        short + slept >= of("wait_sleep").off / 100 * 95,
        "{short} ns are summed"
    );
    assert!(stats.count("off_cpu.short_count") >= 40);
}

/// Check that an interval that is open when sampling begins and when it ends is as long as
/// sampling was.
#[test]
fn open_intervals_are_closed() {
    let machine = Machine::take();
    let sleeping = Process::spawn(Command::new("sleep").arg("99"));
    sleeping.wait_for_comm("sleep".as_ref());
    let recording = machine
        .record()
        .options("--off-cpu -d 0.5s")
        .process(&sleeping)
        .run()
        .exits_with(0);
    let stats = stats(&recording);
    let folded = recording.folded();
    expect_near("sleep", folded.count(), stats.count("duration_ns"), 0.05);
    // it never came back: its stack is read from outside
    assert_eq!(stats.count("user.complete"), stats.count("samples"));
    folded.expect_all(|line| {
        line.kernel_frames()
            .any(|frame| frame.contains("nanosleep"))
    });
}

/// Check that the system is sampled without its idle tasks, and only after the delay.
#[test]
fn everything_but_idle_waits() {
    let machine = Machine::take();
    let recording = machine
        .record()
        .options("-a --off-cpu --delay 0.3s -d 0.3s")
        .run()
        .exits_with(0);
    let stats = stats(&recording);
    let folded = recording.folded();
    assert!(stats.count("kernel_only") > 0, "no kernel thread waits");
    let idle = folded.only(|line| line.comm.starts_with("swapper"));
    assert_eq!(idle.count(), 0, "idle is no task that waits\n{idle}");
    let longest = folded.lines().map(|line| line.count).max();
    assert!(stats.count("start_to_first_sample_ns") >= 300_000_000);
    assert!(longest > Some(250_000_000), "{longest:?}");
}

/// Check that waits are ended by whom they were, on top of what waited.
#[test]
fn wakers_are_told() {
    let machine = Machine::take();
    let waits = machine.fixture("waits");
    let (file, saved) = (machine.path("file"), machine.path("saved.somno"));
    let recording = machine
        .record()
        .options("--off-cpu --wakers")
        .output(&saved)
        .program(waits.path(), &[&file.to_string_lossy()])
        .run()
        .exits_with(0);
    stats(&recording);
    let folded = recording.folded();
    for (waiter, call, waker) in [
        ("wait_mutex", "futex_wake_[w]", "holder_[w]"),
        ("wait_pipe", "vfs_write_[w]", "sender_[w]"),
        ("wait_convoy", "futex_wake_[w]", "convoy_[w]"),
    ] {
        let has = |line: &Line, name: &str| line.frames.iter().any(|frame| frame == name);
        folded
            .only(|line| has(line, waiter))
            .expect_share(0.9.., |line| {
                has(line, call)
                    && line.has("__schedule_[k];try_to_wake_up_[w]")
                    && line.frames.last().is_some_and(|last| last == waker)
            });
    }
    // nobody ends the wait of a task that could run
    folded
        .only(|line| line.frames.iter().any(|frame| frame == "be_preempted"))
        .expect_share(0.95.., |line| {
            !line.frames.iter().any(|frame| frame.ends_with("_[w]"))
        });
    assert_eq!(exported(&saved, &[]).count(), folded.count());
    let without = exported(&saved, &["--no-kernel"]);
    assert_eq!(without.count(), folded.count());
}
