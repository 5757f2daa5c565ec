//! Exit statuses: the command's own, a shell's, and somno's.

use std::fs;
use std::process::Command;

use crate::machine::Machine;
use crate::somno::{SOMNO, command};

/// Check that a command's exit status is passed on, and its profile written.
#[test]
fn status_is_passed_on() {
    let machine = Machine::take();
    for (script, status) in [
        ("exit 7", 7),
        ("kill -KILL $$", 137),
        ("kill -SEGV $$", 139),
    ] {
        let recording = machine.record().shell(script).run().exits_with(status);
        assert!(recording.has_folded(), "{script}");
    }
}

/// Check that what cannot be executed is told apart as in a shell, leaves nothing, and takes nothing
/// that was there: neither a recording that was named, nor segments of an earlier run.
#[test]
fn unexecutable_commands_are_told_apart() {
    let machine = Machine::take();
    let earlier = machine.path("earlier.somno");
    let segment = machine.path("rotated.000001.somno");
    for path in [&earlier, &segment] {
        fs::write(path, "a recording").expect("the test's own directory is writable");
    }
    let text = machine.path("text");
    fs::write(&text, "not a program").expect("the test's own directory is writable");
    let text = text.to_str().expect("the target directory is UTF-8");
    for (program, status) in [
        ("/nonexistent/program", 127),
        ("no-such-program", 127),
        (text, 126),
    ] {
        let recording = machine
            .record()
            .program(program, &[])
            .run()
            .exits_with(status);
        assert!(
            recording.stderr().contains(program),
            "{}",
            recording.stderr()
        );
        assert!(!recording.has_folded(), "an empty output was left behind");
        let record = machine.record().output(&earlier);
        record.program(program, &[]).run().exits_with(status);
        let mut rotating = command();
        rotating.args(["record", "--rotate", "1s:1", "-o"]);
        rotating
            .arg(machine.path("rotated.somno"))
            .args(["--", program]);
        let failed = rotating.status().expect("somno runs");
        assert_eq!(failed.code(), Some(status));
        for path in [&earlier, &segment] {
            let kept = fs::read_to_string(path).expect("it was there");
            assert_eq!(kept, "a recording", "{program}");
        }
    }
}

/// Check that a command is waited for though our own parent had us ignore the end of children.
#[test]
fn ignored_ends_of_children_are_waited_for() {
    let machine = Machine::take();
    let output = machine.path("profile.somno");
    let mut perl = Command::new("perl");
    perl.args(["-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV or die", SOMNO]);
    perl.args(["record", "-o"]).arg(&output);
    let status = perl.args(["--", "sh", "-c", "exit 3"]).status();
    assert_eq!(status.expect("perl is there").code(), Some(3));
    assert!(output.exists());
}

/// Check that an output that cannot be written is found before the command runs.
#[test]
fn unwritable_output_is_found_first() {
    let machine = Machine::take();
    let marker = machine.path("marker");
    let script = format!("touch {}", marker.display());
    for output in ["/nonexistent/profile.svg", "/proc/version.svg"] {
        let recording = machine
            .record()
            .output(output)
            .shell(&script)
            .run()
            .exits_with(1);
        assert!(
            recording.stderr().contains(output),
            "{}",
            recording.stderr()
        );
        assert!(!marker.exists(), "the command ran all the same");
        assert!(!recording.has_folded(), "an empty output was left behind");
    }
}

/// Check that an output that fails late counts, unless the command failed itself.
#[test]
fn full_disk_is_a_failure() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let run = |script: &str| {
        let record = machine
            .record()
            .options("--format folded")
            .output("/dev/full");
        record
            .shell(&format!("{} busy 0.3; {script}", named.path()))
            .run()
    };
    let recording = run("true").exits_with(1);
    assert!(
        recording.stderr().contains("/dev/full"),
        "{}",
        recording.stderr()
    );
    run("exit 7").exits_with(7);
}

/// Check that under sudo a command runs as who called it, unless told otherwise.
#[test]
fn command_runs_as_the_caller_of_sudo() {
    let machine = Machine::take();
    for (options, uid) in [("-q", "65534\n"), ("-q --as-root", "0\n")] {
        let record = machine.record().options(options).env("SUDO_UID", "65534");
        let recording = record.program("id", &["-u"]).run().exits_with(0);
        assert_eq!(recording.stdout(), uid, "with {options}");
    }
}
