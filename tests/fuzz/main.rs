//! Runs what `make fuzz` once found worth keeping, with sanitizers and without a fuzzer; and
//! changes programs, as the tests of the library do with what they read.

mod elf;
#[path = "../../src/fuzz.rs"]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Check that the unwinder keeps its promises on every committed input; see unwind.c for them.
#[test]
fn corpus_keeps_promises() {
    let inputs = inputs("tests/fuzz/unwind-corpus");
    assert!(inputs.len() > 20, "too few inputs: {inputs:?}");
    replay("unwind", &inputs);
}

/// Check that a capture of symbols keeps its promises on committed inputs and on whole
/// programs; see symbols.c for them.
#[test]
fn captures_keep_promises() {
    let mut inputs = inputs("tests/fuzz/symbols-corpus");
    inputs.push(compile("symbols"));
    inputs.push("/bin/sh".into());
    replay("symbols", &inputs);
}

/// Check that what is read of a module before its tables keeps its promises on every committed
/// input; see modules.c for them.
#[test]
fn modules_keep_promises() {
    let inputs = inputs("tests/fuzz/modules-corpus");
    assert!(inputs.len() > 5, "too few inputs: {inputs:?}");
    replay("modules", &inputs);
}

fn replay(target: &str, inputs: &[PathBuf]) {
    let output = Command::new(compile(target))
        .args(inputs)
        .output()
        .expect("it was just made");
    let started = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}: {}\n{}",
        started.lines().last().unwrap_or("no input"),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(started.lines().count(), inputs.len());
}

fn inputs(directory: &str) -> Vec<PathBuf> {
    let mut inputs: Vec<_> = fs::read_dir(directory)
        .expect("the corpus is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    inputs.sort();
    inputs
}

fn compile(target: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-replay-{target}"));
    let unfinished = program.with_extension(format!("{:?}", std::thread::current().id()));
    let status = Command::new("cc")
        .args(["-O1", "-g", "-Wall", "-Werror", "-Wno-unused-function"])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .args(["-iquote", "bpf"])
        .arg(format!("tests/fuzz/{target}.c"))
        .args(["tests/fuzz/replay.c", "-o"])
        .arg(&unfinished)
        .status()
        .expect("cc runs");
    assert!(status.success(), "the fuzz target does not compile");
    fs::rename(&unfinished, &program).expect("a file just made can be renamed");
    program
}
