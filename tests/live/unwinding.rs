//! Stacks of code without frame pointers.

use std::time::Duration;

use crate::folded::Folded;
use crate::machine::Machine;

/// Check that programs of the distribution, which have no frame pointers, have whole
/// stacks, from their entry on.
#[test]
fn programs_without_frame_pointers_are_whole() {
    let machine = Machine::take();
    for (program, arguments) in [
        (
            "/usr/bin/perl",
            ["-e", "my $x = 0; $x += sqrt($_) for 1..4000000"],
        ),
        (
            "/bin/sh",
            ["-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done"],
        ),
    ] {
        let recording = machine
            .record()
            .options("-F 4999")
            .program(program, &arguments)
            .run()
            .exits_with(0);
        let (folded, stats) = recording.adds_up();
        let samples = stats.count("samples");
        let complete = stats.count("user.complete");
        assert!(samples > 200, "{program}: {samples} samples");
        assert!(
            complete * 100 >= samples * 99,
            "{program}: {complete} of {samples} complete"
        );
        let rooted = folded.share(|line| {
            let root = line.frames.first().map_or("", |frame| frame.as_str());
            root == "_start" || root.contains("+0x")
        });
        assert!(rooted > 0.99, "{program}: {rooted} begin at the entry");
    }
}

/// What a fixture that runs until the test ends it shows in half a second.
fn record(machine: &Machine, fixture: &str) -> Folded {
    let _process = machine.fixture(fixture).start::<&str>(&[]);
    // of all CPUs: a thread's own timer begins anew with each one that it makes
    let options = format!("-F 4999 -d 0.5s -a --comm ^{fixture}$");
    machine.record().options(&options).run().adds_up().0
}

/// Check that the parent of a vfork has a whole stack, although the return address is in a
/// register and the stack pointer where the caller has it.
#[test]
fn parent_of_a_vfork_is_whole() {
    let folded = record(&Machine::take(), "vforker");
    let in_vfork = folded.only(|line| line.frames.iter().any(|frame| frame.contains("vfork")));
    in_vfork.expect_share(0.99.., |line| line.has("main;bear"));
    in_vfork.expect_share(0.99.., |line| line.reason.is_none());
}

/// Check that who makes a thread has a whole stack: the system call in libc's clone3 lies
/// between two descriptions.
#[test]
fn maker_of_a_thread_is_whole() {
    let folded = record(&Machine::take(), "threader");
    let in_clone = folded.only(|line| line.has("__do_sys_clone3_[k]"));
    in_clone.expect_share(0.99.., |line| line.has("main;bear"));
    in_clone.expect_share(0.99.., |line| line.reason.is_none());
}

/// Check that a context of makecontext is complete: it returns to the first instruction of
/// libc's `__start_context`, and what lies before that is not described.
#[test]
fn context_is_complete() {
    let machine = Machine::take();
    let stack = machine.path("stack");
    let coroutine = machine.fixture("coroutine").start(&[&stack]);
    let record = machine.record().options("-d 0.5s").process(&coroutine);
    let (folded, _) = record.run().adds_up();
    let working = folded.only(|line| line.has("start;outer;middle;inner"));
    working.expect_share(0.99.., |line| line.reason.is_none());
}

/// Check that a static program has whole stacks as gcc links it: without a header for its
/// unwind information.
#[test]
fn static_program_is_whole() {
    let machine = Machine::take();
    let flags = ["-O1", "-fomit-frame-pointer", "-static", "-no-pie"];
    let program = machine.fixture_as("named-static", "named", &flags);
    let record = machine.record().options("-F 4999");
    let (folded, _) = record.fixture(&program, "static 0.3").run().adds_up();
    let working = folded.only(|line| line.frames.iter().any(|frame| frame == "spin"));
    working.expect_share(0.99.., |line| line.has("main;spin"));
    working.expect_share(0.99.., |line| line.reason.is_none());
}

/// Check that code that was made at run time is stepped over by its frame pointer in a
/// shared file too, and that nothing but a mapping's beginning is before its first byte.
#[test]
fn made_code_is_stepped_over() {
    let machine = Machine::take();
    let fixture = machine.fixture("made");
    for how in ["file", "leaf"] {
        let process = fixture.start(&[how]);
        process.use_cpu(Duration::from_millis(50));
        let record = machine.record().options("-F 4999 -d 0.4s");
        let (folded, _) = record.process(&process).run().adds_up();
        folded.expect_share(0.99.., |line| line.has("main;outer;caller"));
    }
}
