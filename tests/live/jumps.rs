//! Known stacks of code that gets to where it is by other ways than calls.

use std::time::Duration;

use crate::declared::{expect_declared, sample};
use crate::machine::Machine;

/// Check that stacks are whole while exceptions are thrown, passed on and caught.
#[test]
fn exceptions() {
    let machine = Machine::take();
    for command in [
        "g++ -O2 -fomit-frame-pointer throwing.cpp",
        "clang++ -O2 -fomit-frame-pointer throwing.cpp",
    ] {
        let fixture = machine.flavour(command);
        let process = fixture.start::<&str>(&[]);
        let samples = sample(&machine, &process, "", Duration::from_millis(1500));
        fixture.declared().expect(command, &samples);
        samples.expect_share(0.05.., |line| {
            line.user_frames()
                .any(|frame| frame.starts_with("_Unwind_"))
        });
    }
}

/// Check that the stack of a signal handler goes on in what was interrupted, wherever
/// that was, from a stack of its own.
#[test]
fn signal_handlers() {
    let machine = Machine::take();
    for command in [
        "gcc -O2 -fomit-frame-pointer interrupted.c",
        "clang -O2 -fomit-frame-pointer interrupted.c",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks of coroutines are whole and end where the coroutine begins.
#[test]
fn coroutines() {
    let machine = Machine::take();
    let command = "gcc -O2 -fomit-frame-pointer coroutines.c";
    expect_declared(&machine, command, &machine.flavour(command), "");
}
