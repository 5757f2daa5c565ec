//! Events other than the clock.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use crate::machine::Machine;
use crate::process::Process;

/// Check that page faults are counted where memory is touched.
#[test]
fn page_faults_have_stacks() {
    let machine = Machine::take();
    let toucher = machine.fixture("toucher").start::<&str>(&[]);
    let options = "-e page-faults -c 1 -d 0.5s";
    let record = machine.record().options(options).process(&toucher);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.99.., |line| line.has("main;touch_all;touch_page"));
    assert_eq!(stats.get("event"), "page-faults");
    // dozens a millisecond
    assert!(folded.count() > 1000, "{}", folded.count());
    stats.expect_no_loss();
}

/// Check that a watchpoint finds who writes a variable, and nobody else.
#[test]
fn watchpoint_finds_the_writer() {
    let machine = Machine::take();
    let writer = machine.fixture("writer");
    let (process, stdout) = Process::spawn_read(&mut Command::new(writer.path()));
    let mut address = String::new();
    BufReader::new(stdout)
        .read_line(&mut address)
        .expect("the fixture prints an address");
    let options = format!("-e mem:{}/8:w -c 1 -d 0.5s", address.trim());
    let record = machine.record().options(&options).process(&process);
    let (folded, stats) = record.run().adds_up();
    folded.expect_all(|line| line.has("main;outer;write_it"));
    assert!(folded.count() > 50, "{}", folded.count());
    stats.expect_no_loss();
}

/// Check that context switches are sampled in the kernel, on the stack that waits.
#[test]
fn context_switches_have_stacks() {
    let machine = Machine::take();
    let writer = machine.fixture("writer").start::<&str>(&[]);
    let options = "-e context-switches -c 1 -d 0.5s";
    let record = machine.record().options(options).process(&writer);
    let (folded, _) = record.run().adds_up();
    folded.expect_share(0.9.., |line| {
        line.is_named() && line.has("__x64_sys_clock_nanosleep_[k]") && line.has("schedule_[k]")
    });
}

/// Check that an event that this machine lacks is a failure that shows a way.
#[test]
fn absent_event_is_explained() {
    let machine = Machine::take();
    // no CPU has it
    let record = machine.record().options("-e rffffffffffffffff -d 0.1s");
    let recording = record.program("true", &[]).run().exits_with(1);
    let message = recording.stderr();
    assert!(message.contains("failed to open the event"), "{message}");
    assert!(message.lines().count() > 1, "no next step: {message}");
}
