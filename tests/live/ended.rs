//! Targets that end too soon.

use std::fs;
use std::process::Command;

use crate::machine::Machine;
use crate::process::Process;

/// Check that a command that ends before its first sample is no failure, and leaves
/// outputs that say so.
#[test]
fn command_without_samples_is_written() {
    let machine = Machine::take();
    let svg = machine.path("profile.svg");
    let recording = machine
        .record()
        .options("-F 1")
        .output(&svg)
        .program("true", &[])
        .run()
        .exits_with(0);
    assert!(recording.has_folded());
    assert_eq!(recording.folded_text(), "");
    let svg = fs::read_to_string(svg).expect("the picture was written");
    assert!(svg.contains("no samples"), "{svg}");
    assert!(recording.stderr().contains("no samples"));
    assert_eq!(recording.stats().count("samples"), 0);
    recording.stats().expect_sums();
}

/// Check that a process, and a thread, that is gone is named in the message.
#[test]
fn target_that_is_gone_is_named() {
    let machine = Machine::take();
    let mut process = Process::spawn(&mut Command::new("true"));
    let pid = process.pid();
    process.wait();
    for option in ["-p", "-t"] {
        let recording = machine
            .record()
            .options(&format!("{option} {pid}"))
            .run()
            .exits_with(1);
        let message = recording.stderr();
        assert!(message.contains(&pid.to_string()), "{message}");
        assert!(message.contains("does not exist"), "{message}");
        assert!(!recording.has_folded(), "an empty output was left behind");
    }
}

/// Check that a number that no process can have is no process's.
#[test]
fn impossible_target_is_gone() {
    let machine = Machine::take();
    for option in ["-p", "-t"] {
        let options = format!("{option} 4294967295");
        let recording = machine.record().options(&options).run().exits_with(1);
        let message = recording.stderr();
        assert!(message.contains("does not exist"), "{message}");
    }
}

/// Check that a process that ended and was not waited for is gone too.
#[test]
fn zombie_is_gone() {
    let machine = Machine::take();
    let process = Process::spawn(&mut Command::new("true"));
    let pid = process.pid();
    process.wait_for_state('Z');
    let recording = machine.record().process(&process).run().exits_with(1);
    assert!(
        recording.stderr().contains(&pid.to_string()),
        "the message does not name {pid}: {}",
        recording.stderr()
    );
}

/// Check that sampling ends with its target, without being told.
#[test]
fn sampling_ends_with_the_target() {
    let machine = Machine::take();
    let named = machine.fixture("named").start(&["short", "1.5"]);
    let (folded, _) = machine.record().process(&named).run().adds_up();
    folded.expect_share(0.9.., |line| line.comm == "short");
}

/// Check that a thread given as a process is a usage error that shows the way.
#[test]
fn thread_is_not_a_process() {
    let machine = Machine::take();
    let threads = machine.fixture("threads").start::<&str>(&[]);
    let tid = threads.thread("left");
    let recording = machine
        .record()
        .options(&format!("-p {tid} -d 1s"))
        .run()
        .exits_with(2);
    assert!(recording.stderr().contains(&format!("use -t {tid}")));
}
