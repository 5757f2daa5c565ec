//! The same programs under `perf record --call-graph dwarf`, to compare with.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::first_frame::is_first_function;

/// As much stack as perf can copy.
const CALL_GRAPH: &str = "dwarf,65528";
/// What is more takes long to unwind.
const RATE: &str = "199";

/// What perf made of a program.
pub(crate) struct Stacks {
    /// Those with frames in user space.
    pub(crate) stacks: usize,
    whole: usize,
}

impl Stacks {
    /// The share that reach their thread's first frame.
    pub(crate) fn share(&self) -> f64 {
        self.whole as f64 / self.stacks as f64
    }
}

/// Samples a command.
pub(crate) fn record(data: &Path, command: &[&str]) -> Stacks {
    run(Command::new("perf")
        .args(["record", "-q", "-e", "cpu-clock", "-F", RATE])
        .args(["--call-graph", CALL_GRAPH, "-o"])
        .arg(data)
        .arg("--")
        .args(command));
    let script = run(Command::new("perf")
        .args(["script", "--no-inline", "-F", "ip,sym,dso", "-i"])
        .arg(data));
    let roots: Vec<_> = script.split("\n\n").filter_map(user_root).collect();
    let whole = roots.iter().filter(|root| is_first(root)).count();
    println!("perf: {} samples, {whole} whole", roots.len());
    assert!(roots.len() > 20, "perf has {} samples", roots.len());
    Stacks {
        stacks: roots.len(),
        whole,
    }
}

/// Runs perf; what it says on its standard output.
fn run(command: &mut Command) -> String {
    let output = command
        .stderr(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("perf is compared with and does not run: {error}: apt-get install linux-perf (`make setup-test`)")
        });
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The outermost line of a stack, where that is in user space: `address function (file)`.
fn user_root(stack: &str) -> Option<&str> {
    let root = stack
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())?;
    (!root.starts_with("ffffffff")).then_some(root)
}

/// Whether threads begin there. A program without symbols is believed, and the last two
/// frames of a process, which perf misses in some runs and not in others, are given to it.
fn is_first(root: &str) -> bool {
    let place = root
        .split_once(' ')
        .and_then(|(_, place)| place.rsplit_once(" ("));
    place.is_some_and(|(function, file)| {
        is_first_function(function)
            || function == "__libc_start_call_main"
            || (function == "[unknown]" && file.contains("/bin/"))
    })
}
