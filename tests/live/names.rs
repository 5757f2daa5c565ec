//! Names that want to be something else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::machine::Machine;
use crate::somno::command;

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

/// The name of a file that nobody should show as it is.
const FILE: &[u8] = b"p;\x1b[2J\n\xc2\x9b31m\x7f\xff";

/// Panics where a byte is none of text: a terminal may obey it.
#[track_caller]
fn expect_text(what: &str, bytes: &[u8]) {
    assert!(!bytes.is_empty(), "{what} is empty");
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let control = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    let found = text.chars().find(control);
    assert_eq!(found, None, "{what}: {}", &bytes.escape_ascii().to_string());
}

/// Check that neither a program's name nor a thread's reaches a terminal as an order, by any
/// output that is text, nor by what reads the recording.
#[test]
fn file_name_is_harmless() {
    let machine = Machine::take();
    let program = machine.path("x").with_file_name(OsStr::from_bytes(FILE));
    fs::copy(machine.fixture("named").path(), &program).expect("the directory is writable");
    let profile = machine.path("profile.somno");
    let kinds = [
        "svg",
        "folded",
        "speedscope.json",
        "firefox.json",
        "html",
        "perf",
        "json",
    ];
    let outputs = kinds.map(|kind| machine.path(&format!("out.{kind}")));
    let mut record = machine.record().options("-vv").output(&profile);
    for output in &outputs {
        record = record.output(output);
    }
    let link = machine.path("link");
    std::os::unix::fs::symlink(&program, &link).expect("the directory is writable");
    let link = link.to_str().expect("the target directory is UTF-8");
    let recording = record.program(link, &[HOSTILE, "0.3"]).run().exits_with(0);
    expect_text("messages", recording.stderr().as_bytes());
    let mut shown = 0;
    for output in &outputs {
        let written = fs::read(output).expect("it was written");
        expect_text(&output.display().to_string(), &written);
        let text = String::from_utf8_lossy(&written);
        shown += usize::from(text.contains("?[2J") || text.contains("p:?"));
    }
    assert!(shown > 0, "no output shows the file's name");

    let profile = profile.to_str().expect("the target directory is UTF-8");
    for arguments in [
        &["report", profile][..],
        &["report", profile, "--tree"],
        &["report", profile, "--callers", "spin"],
        &["report", profile, "--format", "json"],
        &["annotate", profile, "spin"],
        &["export", profile, "-o", "-"],
    ] {
        let output = command()
            .args(arguments)
            .output()
            .expect("somno can be run");
        assert!(output.status.success(), "{output:?}");
        expect_text(&arguments.join(" "), &output.stdout);
        expect_text("messages", &[&output.stderr[..], b"\n"].concat());
    }
}
