//! Being told to stop.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::machine::Machine;
use crate::process::{PATIENCE, until};

/// Check that a signal stops sampling and writes what there is.
#[test]
fn signal_stops_and_writes() {
    let machine = Machine::take();
    let named = machine.fixture("named").start(&["busy"]);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let somno = machine.record().process(&named).start();
        somno.wait_for_events();
        named.use_cpu(Duration::from_millis(200));
        somno.signal(signal);
        let (folded, _) = somno.wait().adds_up();
        folded.expect_share(0.95.., |line| line.has("main;spin"));
    }
}

/// Check that a command is asked to end, and its status passed on.
#[test]
fn signal_ends_a_command() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let somno = machine.record().fixture(&chain, "").start();
    somno.wait_for_events();
    somno.signal(Signal::INT);
    let recording = somno.wait().exits_with(128 + 15);
    assert!(recording.has_folded());
}

/// Check that a command that will not end keeps somno only until the second signal,
/// and that the profile is there by then.
#[test]
fn second_signal_gives_up() {
    let machine = Machine::take();
    let pid = machine.path("pid");
    let somno = machine
        .record()
        .shell(&format!(
            "trap '' TERM; echo $$ >{}; while :; do :; done",
            pid.display()
        ))
        .start();
    let mut stubborn = None;
    until("the command runs", PATIENCE, || {
        stubborn = fs::read_to_string(&pid)
            .ok()
            .and_then(|text| Pid::from_raw(text.trim().parse().ok()?));
        stubborn.is_some()
    });
    let stubborn = stubborn.expect("it was read");

    somno.signal(Signal::TERM);
    somno.wait_for_message("wrote");
    somno.signal(Signal::TERM);
    let recording = somno.wait().exits_with(128 + 15);
    kill_process(stubborn, Signal::KILL).expect("the command ignores everything but this");
    recording
        .folded()
        .expect_share(0.9.., |line| line.comm == "sh");
}

/// Check that the end of a duration ends a command, which is no failure.
#[test]
fn duration_ends_a_command() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let record = machine.record().options("-d 0.5s");
    let (_, stats) = record.fixture(&chain, "").run().adds_up();
    assert!(stats.count("duration_ns") >= 500_000_000);
    let left = Command::new("pidof").arg(chain.path()).output();
    let left = left.expect("tests need `pidof`").stdout;
    assert!(left.is_empty(), "the command still runs");
}
