//! Names that want to be something else.

use std::fs;

use crate::machine::Machine;

const HOSTILE: &str = "a;b\x1b[31m";
const HARMLESS: &str = "a:b?[31m";

fn has_control_bytes(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}

/// Check that a thread's name neither splits a stack nor reaches a terminal as an
/// order, in any output.
#[test]
fn thread_name_is_harmless() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let svg = machine.path("profile.svg");
    let recording = machine
        .record()
        .options("-vv -o - --format folded")
        .output(&svg)
        .program(named.path(), &[HOSTILE, "0.5"])
        .run()
        .exits_with(0);

    let folded = recording.folded();
    folded
        .of(HARMLESS)
        .expect_share(0.9.., |line| line.has("main;spin"));
    folded.expect_share(0.9.., |line| line.comm == HARMLESS);
    let svg = fs::read_to_string(svg).expect("the picture was written");
    for text in [
        &recording.folded_text(),
        &recording.stdout(),
        &recording.stderr(),
        &svg,
    ] {
        assert!(!has_control_bytes(text), "control bytes in {text:?}");
    }
}
