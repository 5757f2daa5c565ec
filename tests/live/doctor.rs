//! `somno doctor`, and what users without privileges are told.

use std::process::Output;

use rustix::thread::CapabilitySet;
use serde_json::Value;

use crate::kernel_names::{KPTR_RESTRICT, Setting};
use crate::machine::Machine;
use crate::nobody::run_as_nobody;
use crate::somno;

const CHECKS: [&str; 13] = [
    "kernel",
    "btf",
    "deferred_capture",
    "privileges",
    "cap_bpf",
    "cap_perfmon",
    "cap_sys_ptrace",
    "cap_checkpoint_restore",
    "cap_syslog",
    "cap_dac_read_search",
    "event",
    "perf_event_paranoid",
    "kptr_restrict",
];

fn run(arguments: &[&str]) -> Output {
    let mut command = somno::command();
    command.args(arguments).output().expect("somno can be run")
}

fn run_by_nobody(held: CapabilitySet, arguments: &[&str]) -> Output {
    let mut command = somno::command();
    command.args(arguments).current_dir("/");
    run_as_nobody(&mut command, held);
    command
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
    let output = run_by_nobody(CapabilitySet::empty(), &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    assert!(report.contains("missing"), "{report}");
    assert!(report.contains("sudo"), "no next step in\n{report}");

    let output = run_by_nobody(CapabilitySet::empty(), &["doctor", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(report["can_capture"], false);
    assert_eq!(report["checks"]["privileges"]["grade"], "missing");
    assert!(report["checks"]["privileges"]["fix"].is_string());
}

/// Check that the doctor grades each capability, and tells how to get what is missing.
#[test]
fn doctor_knows_capabilities() {
    let _machine = Machine::take();
    let _hidden = Setting::change(KPTR_RESTRICT, "1");
    let names = [
        (CapabilitySet::BPF, "cap_bpf", "missing"),
        (CapabilitySet::PERFMON, "cap_perfmon", "missing"),
        (CapabilitySet::SYS_PTRACE, "cap_sys_ptrace", "limited"),
        (
            CapabilitySet::CHECKPOINT_RESTORE,
            "cap_checkpoint_restore",
            "limited",
        ),
        (CapabilitySet::SYSLOG, "cap_syslog", "limited"),
    ];
    let capture = CapabilitySet::BPF | CapabilitySet::PERFMON;
    let files = CapabilitySet::SYS_PTRACE | CapabilitySet::CHECKPOINT_RESTORE;
    let all = capture | files | CapabilitySet::SYSLOG;
    for held in [
        CapabilitySet::empty(),
        CapabilitySet::BPF,
        capture,
        capture | files,
        all,
    ] {
        let output = run_by_nobody(held, &["doctor", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let can_capture = held.contains(capture);
        assert_eq!(report["can_capture"], can_capture, "{report}");
        assert_eq!(output.status.code(), Some(i32::from(!can_capture)));
        for (capability, name, without) in names {
            let finding = &report["checks"][name];
            let has = held.contains(capability);
            assert_eq!(finding["found"], if has { "yes" } else { "no" }, "{name}");
            assert_eq!(
                finding["grade"],
                if has { "good" } else { without },
                "{name}"
            );
            let fix = finding["fix"].as_str();
            assert_eq!(
                fix.is_some_and(|fix| fix.contains(name) && fix.contains("setcap")),
                !has
            );
        }
        let grade = match (can_capture, held == all) {
            (false, _) => "missing",
            (true, false) => "limited",
            (true, true) => "good",
        };
        assert_eq!(report["checks"]["privileges"]["grade"], grade, "{held:?}");
    }
}
