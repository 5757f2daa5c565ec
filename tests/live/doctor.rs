//! `somno doctor`, and what users without privileges are told.

use std::os::unix::process::CommandExt as _;
use std::process::Output;

use serde_json::Value;

use crate::machine::Machine;
use crate::somno;

const NOBODY: u32 = 65534;
const CHECKS: [&str; 7] = [
    "kernel",
    "btf",
    "deferred_capture",
    "privileges",
    "event",
    "perf_event_paranoid",
    "kptr_restrict",
];

fn run(arguments: &[&str]) -> Output {
    let mut command = somno::command();
    command.args(arguments).output().expect("somno can be run")
}

fn run_as_nobody(arguments: &[&str]) -> Output {
    let mut command = somno::command();
    command
        .args(arguments)
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .output()
        .expect("nobody can run somno: the target directory is open to all")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}

/// Check the report for people.
#[test]
fn report_for_people() {
    let _machine = Machine::take();
    let output = run(&["doctor"]);
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stdout);
    for check in CHECKS {
        assert!(report.contains(check), "{check} is not in\n{report}");
    }
    assert!(!report.contains("missing"), "{report}");
}

/// Check the report for scripts.
#[test]
fn report_for_scripts() {
    let _machine = Machine::take();
    let output = run(&["doctor", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["can_capture"], true);
    for check in CHECKS {
        let finding = &report["checks"][check];
        assert!(finding["found"].is_string(), "{check}: {finding}");
        assert!(finding["meaning"].is_string(), "{check}: {finding}");
    }
    assert_eq!(report["checks"]["deferred_capture"]["found"], "yes");
    let kernel = rustix::system::uname();
    assert_eq!(
        report["checks"]["kernel"]["found"],
        *kernel.release().to_string_lossy()
    );
}

/// Check that a user without privileges learns what is missing and how to get it.
#[test]
fn missing_privileges_are_reported() {
    let _machine = Machine::take();
    let output = run_as_nobody(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    assert!(report.contains("missing"), "{report}");
    assert!(report.contains("sudo"), "no next step in\n{report}");

    let output = run_as_nobody(&["doctor", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(report["can_capture"], false);
    assert_eq!(report["checks"]["privileges"]["grade"], "missing");
    assert!(report["checks"]["privileges"]["fix"].is_string());
}

/// Check that recording without privileges fails in one sentence with a next step.
#[test]
fn recording_takes_privileges() {
    let _machine = Machine::take();
    let output = run_as_nobody(&["record", "-o", "-", "--", "echo", "it ran"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "", "the command ran");
    let message = text(&output.stderr);
    let lines: Vec<_> = message.lines().collect();
    assert_eq!(lines.len(), 2, "a sentence and a next step, not\n{message}");
    assert!(lines[0].starts_with("somno: failed to "), "{message}");
    assert!(lines[1].contains("root"), "{message}");
}
