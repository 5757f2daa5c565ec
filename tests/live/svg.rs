//! The flame graph.

use std::fs;

use crate::machine::Machine;

/// Check that the picture says what was sampled, how, and how completely, and that
/// it has the functions in it.
#[test]
fn picture_says_what_it_shows() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let svg = machine.path("profile.svg");
    let record = machine.record().options("-e cpu-clock -F 499").output(&svg);
    let recording = record.fixture(&chain, "0.5").run();
    let (_, stats) = recording.adds_up();
    let svg = fs::read_to_string(svg).expect("the picture was written");

    let samples = format!("{} samples", stats.count("samples"));
    let title = format!("{} 0.5", chain.path());
    for expected in [
        &title,
        "cpu-clock, 499 Hz for 0.",
        &samples,
        "of user stacks complete",
    ] {
        assert!(svg.contains(expected), "{expected:?} is not in the picture");
    }
    for function in [
        "chain", "run", "one", "two", "three", "four", "five", "heavy", "light",
    ] {
        let frame = format!("<title>{function} (");
        assert!(svg.contains(&frame), "{function} is not in the picture");
    }
}

/// Check that all outputs are written, and existing ones replaced whole.
#[test]
fn outputs_are_replaced() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let (svg, text) = (machine.path("profile.svg"), machine.path("profile.txt"));
    for path in [&svg, &text] {
        fs::write(path, "old ".repeat(100_000)).expect("the test's own directory is writable");
    }
    let record = machine.record().output(&svg).output(&text);
    let recording = record.fixture(&named, "busy 0.3").run().exits_with(0);
    let written = |path| fs::read_to_string(path).expect("it was written");
    assert_eq!(written(&text), recording.folded_text());
    assert!(written(&svg).trim_end().ends_with("</svg>"));
    assert!(!written(&svg).contains("old old"));
}
