//! Events other than the clock.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;

use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::process::Process;
use crate::somno;

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

/// The folded stacks of one event of a recording.
fn of_event(recording: &Path, event: &str) -> Folded {
    let output = somno::command()
        .args(["export", "-o", "-", "--format", "folded", "--event", event])
        .arg(recording)
        .output()
        .expect("somno runs");
    assert!(output.status.success(), "{output:?}");
    Folded::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Check that samples of several events are told apart, those of children too, and that each
/// event may have its own rate.
#[test]
fn several_events_are_told_apart() {
    let machine = Machine::take();
    let (family, path) = (machine.fixture("family"), machine.path("several.somno"));
    let options = "-e cpu-clock -e page-faults/period=1/ -e context-switches,task-clock/freq=99/";
    let record = machine.record().options(options).output(&path);
    let recording = record.fixture(&family, "20").run().exits_with(0);
    let stats = recording.stats();
    stats.expect_sums();
    let clock = of_event(&path, "cpu-clock");
    let faults = of_event(&path, "page-faults");
    // they count on a register each; who touches memory are fork and its children
    for (comm, chain) in [("family", "own_work"), ("kin-child", "child_work")] {
        let works = |line: &Line| line.has(chain);
        clock.of(comm).expect_share(0.7.., works);
        faults.of(comm).expect_share(..0.3, works);
    }
    for (position, event) in ["cpu-clock", "page-faults", "context-switches", "task-clock"]
        .into_iter()
        .enumerate()
    {
        let (name, samples) = (
            stats.get(&format!("events.{position}.name")).clone(),
            stats.count(&format!("events.{position}.samples")),
        );
        assert_eq!(
            (name, samples),
            (event.into(), of_event(&path, event).count())
        );
        assert!(samples > 0, "{event}");
    }
    let rates = clock.count() as f64 / of_event(&path, "task-clock").count() as f64;
    assert!((7.0..14.0).contains(&rates), "999 Hz to 99 Hz is {rates}");
    // what shows one event shows the first
    assert_eq!(recording.folded().count(), clock.count());
}

/// Check that an event that this machine lacks is a failure that shows a way.
#[test]
fn absent_event_is_explained() {
    let machine = Machine::take();
    // no CPU has it
    let record = machine.record().options("-e rffffffffffffffff -d 0.1s");
    let recording = record.program("true", &[]).run().exits_with(1);
    let message = recording.stderr();
    let failed = "failed to open the event `rffffffffffffffff`";
    assert!(message.contains(failed), "{message}");
    assert!(message.lines().count() > 1, "no next step: {message}");
}
