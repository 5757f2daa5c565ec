//! Standard input, output and error.

use std::io::{self, Write as _};
use std::process::Command;

use crate::folded::Folded;
use crate::machine::Machine;

/// Check that a profile goes to standard output, which the command shares, and that
/// nothing else does.
#[test]
fn profile_goes_to_standard_output() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let recording = machine
        .record()
        .output("-")
        .shell(&format!("echo from the command; {} busy 0.3", named.path()))
        .run()
        .exits_with(0);
    let stdout = recording.stdout();
    let profile = stdout.strip_prefix("from the command\n").expect(&stdout);
    assert_eq!(profile, recording.folded_text());
    let busy = Folded::parse(profile).of("busy");
    busy.expect_share(0.9.., |line| line.has("main;spin"));
}

/// Check that a reader that goes away early is no failure.
#[test]
fn broken_pipe_is_success() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    drop(reader);
    let record = machine.record().output("-").stdout(writer);
    record.fixture(&named, "busy 0.3").run().exits_with(0);
}

/// Check that the command reads what somno was given.
#[test]
fn command_reads_standard_input() {
    let machine = Machine::take();
    let (reader, mut writer) = io::pipe().expect("a pipe can be made");
    writer
        .write_all(b"a line\n")
        .expect("a pipe has room for it");
    drop(writer);
    let record = machine.record().options("-q").stdin(reader);
    let recording = record.program("cat", &[]).run().exits_with(0);
    assert_eq!(recording.stdout(), "a line\n");
}

/// Check that with -q nothing is said where nothing went wrong, and that otherwise
/// standard output is still the command's alone.
#[test]
fn messages_go_to_standard_error() {
    let machine = Machine::take();
    let recording = machine
        .record()
        .options("-q")
        .program("true", &[])
        .run()
        .exits_with(0);
    assert_eq!(recording.stderr(), "");
    let recording = machine
        .record()
        .options("-vv")
        .program("true", &[])
        .run()
        .exits_with(0);
    assert_eq!(recording.stdout(), "");
    assert!(!recording.stderr().is_empty());
}

/// Check that the command has no descriptor that it would not have without somno.
#[test]
fn command_inherits_no_descriptors() {
    let machine = Machine::take();
    let list = ["/proc/self/fd"];
    let alone = Command::new("ls").args(list).output();
    let alone = alone.expect("tests need `ls`").stdout;
    let record = machine.record().options("-q");
    let recording = record.program("ls", &list).run().exits_with(0);
    assert_eq!(recording.stdout().as_bytes(), alone);
}
