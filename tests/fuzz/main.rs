//! Runs what `make fuzz` once found worth keeping, with sanitizers and without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Check that the unwinder keeps its promises on every committed input; see unwind.c for them.
#[test]
fn corpus_keeps_promises() {
    let inputs = inputs();
    assert!(inputs.len() > 20, "too few inputs: {inputs:?}");
    let output = Command::new(compile())
        .args(&inputs)
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

fn inputs() -> Vec<PathBuf> {
    let mut inputs: Vec<_> = fs::read_dir("tests/fuzz/corpus")
        .expect("the corpus is there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    inputs.sort();
    inputs
}

fn compile() -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz-replay");
    let status = Command::new("cc")
        .args(["-O1", "-g", "-Wall", "-Werror", "-Wno-unused-function"])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .args(["-iquote", "bpf"])
        .args(["tests/fuzz/unwind.c", "tests/fuzz/replay.c", "-o"])
        .arg(&program)
        .status()
        .expect("cc runs");
    assert!(status.success(), "the fuzz target does not compile");
    program
}
