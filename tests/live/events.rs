//! Events other than the clock.

use std::fs;
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

/// Check that a function's callers are found, in threads and children too, one sample after so
/// many calls; and that samples at a rate are no more than that.
#[test]
fn uprobes_find_the_callers() {
    let machine = Machine::take();
    let allocator = machine.fixture("allocator");
    let event = format!("-e uprobe:{}:take", allocator.path());
    let record = |options: &str, rounds: &str| {
        let record = machine.record().options(&event).options(options);
        let (folded, stats) = record.fixture(&allocator, rounds).run().adds_up();
        stats.expect_no_loss();
        folded.expect_all(|line| line.has("take") && line.reason.is_none());
        folded
    };
    let every = record("-c 10", "20000");
    for (comm, caller) in [
        ("allocator", "main;allocate_here;take"),
        ("alloc-thread", "run_thread;allocate_in_thread;take"),
        ("alloc-child", "main;allocate_in_child;take"),
    ] {
        let calls = every.of(comm);
        calls.expect_all(|line| line.has(caller));
        // each CPU counts to ten by itself
        assert!(
            calls.count().abs_diff(2000) < 100,
            "{comm}: {}",
            calls.count()
        );
    }
    assert!(every.count().abs_diff(6000) < 4, "{}", every.count());
    let (all, some) = (record("", "100"), record("-F 99", "20000"));
    assert_eq!(all.count(), 300);
    assert!((3..300).contains(&some.count()), "{}", some.count());
}

/// Check that libraries can be probed, by function and by offset, of a process that runs, and
/// that nobody else is sampled.
#[test]
fn libraries_can_be_probed() {
    let machine = Machine::take();
    let allocator = machine.fixture("allocator");
    // a copy, because everybody else has the other one
    let copy = machine.path("libc");
    fs::create_dir(&copy).expect("the test's own directory is writable");
    let maps = fs::read_to_string("/proc/self/maps").expect("it is readable");
    let libc = maps
        .split_whitespace()
        .find(|word| word.ends_with("/libc.so.6"));
    let name = copy.join("libc.so.6");
    fs::copy(libc.expect("the test has one"), &name).expect("there is room");
    let libc = name.display();
    let start = || {
        let mut command = Command::new(allocator.path());
        Process::spawn(command.env("LD_LIBRARY_PATH", &copy))
    };
    let (process, other) = (start(), start());
    process.thread("alloc-thread");
    let options = format!("-e uprobe:{libc}:malloc -c 1000 -d 1s");
    let record = machine.record().options(&options).process(&process);
    let (folded, stats) = record.run().adds_up();
    assert!(folded.count() > 100, "{folded}");
    folded.expect_share(0.99.., |line| line.has("take;malloc"));
    stats.expect_no_loss();
    drop(other);

    for (event, message) in [
        (format!("uprobe:{libc}:no_such_function"), "has no symbol"),
        (
            format!("uprobe:{libc}:strlen"),
            "chosen when the program begins",
        ),
        ("uprobe:/nonexistent:f".into(), "/nonexistent"),
        ("sched:no_such_point".into(), "no tracepoint"),
    ] {
        let options = format!("-d 0.1s -a -e {event}");
        let said = machine.record().options(&options).run().stderr();
        assert!(said.contains(message), "{said}");
    }
}

/// Check that a tracepoint's samples have the stack that came by it, and those of an exec the
/// stack that asked for it.
#[test]
fn tracepoints_have_stacks() {
    let machine = Machine::take();
    let writer = machine.fixture("writer").start::<&str>(&[]);
    let options = "-e sched:sched_switch -d 0.5s";
    let record = machine.record().options(options).process(&writer);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.9.., |line| {
        line.has("__x64_sys_clock_nanosleep_[k]") && line.has("main;usleep")
    });
    assert!(folded.count() > 50, "{}", folded.count());
    stats.expect_no_loss();

    let options = "-e sched:sched_process_exec";
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done";
    let (folded, _) = machine
        .record()
        .options(options)
        .shell(script)
        .run()
        .adds_up();
    let execs = folded.of("true");
    assert_eq!(execs.count(), 10, "{folded}");
    // what takes tables that nobody had read is known from the second time on
    execs.expect_share(0.8.., |line| line.reason.is_none() && line.has("execve"));
}

/// Check that tracepoints are found where tracefs is not mounted.
#[test]
fn tracepoints_need_no_mount() {
    let machine = Machine::take();
    let output = machine.path("tracepoints.folded");
    let script = format!(
        "umount -a -t tracefs,debugfs; {} record -e sched:sched_process_exec -o {} -- sh -c true",
        env!("CARGO_BIN_EXE_somno"),
        output.display()
    );
    let apart = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .output()
        .expect("unshare is here");
    assert!(apart.status.success(), "{apart:?}");
    let folded = Folded::parse(&fs::read_to_string(output).expect("it was written"));
    assert_eq!(folded.count(), 1, "{folded}");
}

/// Check that the list of events marks what this machine does not have.
#[test]
fn events_are_listed() {
    let machine = Machine::take();
    let output = somno::command().args(["list", "events"]).output();
    let output = output.expect("somno runs");
    let list = String::from_utf8_lossy(&output.stdout);
    let meaning = |name: &str| {
        let line = list
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{list}"))
            .to_owned()
    };
    for name in ["cpu-clock", "page-faults", "sched:sched_switch"] {
        assert!(!meaning(name).contains("not on this machine"), "{name}");
    }
    let has_pmu = Path::new("/sys/bus/event_source/devices/cpu").exists();
    for name in ["cycles", "LLC-load-misses"] {
        let is_absent = meaning(name).contains("not on this machine");
        assert!(is_absent || has_pmu, "{name}");
    }
    let recording = machine
        .record()
        .options("-a -d 0.1s -e LLC-load-misses")
        .run();
    assert!(
        has_pmu || recording.stderr().contains("has no PMU"),
        "{}",
        recording.stderr()
    );
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
