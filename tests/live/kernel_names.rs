//! Names of kernel functions, of BPF programs too, and what is said where there are none.

use std::fs;
use std::path::Path;
use std::process::Command;

use libbpf_rs::{Link, Object, ObjectBuilder};
use serde_json::Value;

use crate::folded::Line;
use crate::machine::Machine;
use crate::somno;

pub(crate) const KPTR_RESTRICT: &str = "/proc/sys/kernel/kptr_restrict";

/// System calls for a moment, most of whose time is spent in the kernel.
const CALLING: &str = "dd if=/dev/zero of=/dev/null bs=1 count=400000 2>/dev/null";

/// A setting of the kernel that is as before when this is dropped.
pub(crate) struct Setting {
    path: &'static str,
    before: String,
}

impl Setting {
    pub(crate) fn change(path: &'static str, to: &str) -> Self {
        let before = fs::read_to_string(path).expect("this kernel has the setting");
        let setting = Self { path, before };
        fs::write(path, to).expect("we are root");
        setting
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        if let Err(error) = fs::write(self.path, &self.before) {
            eprintln!("{} stays changed: {error}", self.path);
        }
    }
}

/// Check that functions whose names are hidden are places, and that it is said once why,
/// with what to do.
#[test]
fn hidden_names_are_explained() {
    let machine = Machine::take();
    let recording = {
        let _hidden = Setting::change(KPTR_RESTRICT, "2");
        machine.record().shell(CALLING).run()
    };
    let said = recording.stderr();
    let (folded, stats) = recording.adds_up();
    let frames: Vec<_> = folded.lines().flat_map(Line::kernel_frames).collect();
    assert!(!frames.is_empty(), "nothing in the kernel was sampled");
    for frame in frames {
        assert!(frame.starts_with("[kernel+0xffff"), "{frame} has a name");
    }
    assert!(stats.count("frames.unnamed_by.no_kernel_symbols") > 0);
    let notes: Vec<_> = said
        .lines()
        .filter(|line| line.contains("kptr_restrict"))
        .collect();
    assert_eq!(notes.len(), 1, "{said}");
    assert!(
        notes[0].ends_with("; sudo sysctl kernel.kptr_restrict=1"),
        "{said}"
    );

    let recording = machine.record().shell(CALLING).run();
    let said = recording.stderr();
    let (folded, _) = recording.adds_up();
    folded
        .of("dd")
        .expect_share(0.3.., |line| line.has("do_syscall_64_[k]"));
    assert!(!said.contains("kptr_restrict"), "{said}");
}

/// Check that the doctor says that names are hidden, and what to do, to people and scripts.
#[test]
fn doctor_tells_of_hidden_names() {
    let _machine = Machine::take();
    let _hidden = Setting::change(KPTR_RESTRICT, "2");
    let doctor = |arguments: &[&str]| {
        let output = somno::command().arg("doctor").args(arguments).output();
        output.expect("somno can be run").stdout
    };
    let report = doctor(&[]);
    let report = String::from_utf8_lossy(&report);
    let line = report.lines().find(|line| line.contains("kptr_restrict"));
    assert!(line.is_some_and(|line| line.starts_with("limited") && line.contains("from all")));
    assert!(report.contains("-> sudo sysctl kernel.kptr_restrict=1"));

    let report: Value = serde_json::from_slice(&doctor(&["--format", "json"])).expect("JSON");
    let finding = &report["checks"]["kptr_restrict"];
    assert_eq!(finding["grade"], "limited");
    assert_eq!(finding["found"], "2");
    assert_eq!(finding["fix"], "sudo sysctl kernel.kptr_restrict=1");
}

/// A BPF program in the kernel; it is gone when this is dropped.
struct Attached {
    _object: Object,
    _links: Vec<Link>,
}

impl Attached {
    fn compile(source: &str, object: &Path) -> Self {
        let source = format!("{}/assets/fixtures/{source}", env!("CARGO_MANIFEST_DIR"));
        let status = Command::new("clang")
            .args([
                "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror",
            ])
            .args(["-c", &source, "-o"])
            .arg(object)
            .status();
        assert!(status.expect("this fixture needs clang").success());
        let object = ObjectBuilder::default()
            .open_file(object)
            .and_then(libbpf_rs::OpenObject::load)
            .expect("the kernel takes the program");
        let links = object
            .progs_mut()
            .map(|program| program.attach().expect("it can be attached"));
        Self {
            _links: links.collect(),
            _object: object,
        }
    }
}

/// Check that BPF programs have the names that they were given.
#[test]
fn bpf_programs_are_named() {
    let machine = Machine::take();
    let _attached = Attached::compile("spinning.bpf.c", &machine.path("spinning.o"));
    let script = "exec dd if=/dev/zero of=/dev/null bs=1 count=4000 2>/dev/null";
    let (folded, _) = machine.record().shell(script).run().adds_up();
    folded.of("dd").expect_share(0.5.., |line| {
        let mut frames = line.kernel_frames();
        frames.any(|frame| frame.starts_with("bpf_prog_") && frame.ends_with("_spin_[k]"))
    });
}
