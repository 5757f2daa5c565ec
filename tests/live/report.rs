//! What is shown of a recording afterwards.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::machine::Machine;
use crate::somno;

const HOSTILE: &str = "a;b\x1b[31m";

fn show(arguments: &[&str], recording: &Path) -> String {
    let Output { status, stdout, .. } = somno::command()
        .args(&arguments[..1])
        .arg(recording)
        .args(&arguments[1..])
        .output()
        .expect("somno can be run");
    assert_eq!(status.code(), Some(0), "{arguments:?}");
    let text = String::from_utf8(stdout).expect("it is text");
    let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(is_plain, "control bytes in {text:?}");
    text
}

fn sum(of: &Value, key: &str) -> u64 {
    let rows = of.as_array().expect("it is an array").iter();
    rows.filter_map(|row| row[key].as_u64()).sum()
}

/// Check that functions, their lines and instructions, and callers are found in a
/// recording, that weights add up, and that a recording does not differ from itself.
#[test]
fn recording_is_shown() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let path = machine.path("profile.somno");
    machine
        .record()
        .output(&path)
        .program(named.path(), &[HOSTILE, "0.5"])
        .run()
        .exits_with(0);

    let json = show(&["report", "--format", "json"], &path);
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    let samples = json["samples"].as_u64().expect("they are counted");
    assert_eq!(sum(&json["functions"], "self"), samples, "{json}");
    assert_eq!(sum(&json["threads"], "samples"), samples, "{json}");

    for (arguments, expected) in [
        (&["report"][..], "  spin "),
        (&["report", "--group", "thread"], "a:b?[31m"),
        (&["report", "--tree"], "main"),
        (&["report", "--callers", "^spin$"], "main"),
        (&["report", "--callers", "nothing"], "no sampled function"),
        (&["report", "--no-pager"], "user stacks"),
        (&["annotate", "^spin$"], "instructions of spin in"),
    ] {
        let text = show(arguments, &path);
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    let itself = path.to_str().expect("the path is text");
    let text = show(&["diff", itself], &path);
    assert!(text.contains("nothing changed"), "{text}");
}
