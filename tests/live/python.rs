//! Python that tells its functions to profilers: `python3 -X perf`, since 3.12.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::folded::Line;
use crate::jit::Map;
use crate::machine::Machine;

const SCRIPT: &str = "
import os, time
def inner(end):
    while time.process_time() < end:
        sum(number for number in range(100))
def outer(end):
    inner(end)
outer(time.process_time() + 0.5)
print(os.getpid())
";

/// A Python that can do it: of the path, or where pyenv puts them. Debian 12 has none, nor
/// does a package registry.
fn python() -> Option<PathBuf> {
    let in_path = env::split_paths(&env::var_os("PATH")?)
        .flat_map(|directory| (12..20).map(move |minor| directory.join(format!("python3.{minor}"))))
        .collect::<Vec<_>>();
    let versions = Path::new(&env::var_os("HOME")?).join(".pyenv/versions");
    let of_pyenv = fs::read_dir(versions).into_iter().flatten();
    let of_pyenv = of_pyenv.filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")));
    let mut found = of_pyenv.chain(in_path);
    found.find(|python| {
        let mut command = Command::new(python);
        let can = "from sysconfig import *; assert get_config_var('PY_HAVE_PERF_TRAMPOLINE')";
        let output = command.args(["-c", can]).output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// Check that Python functions have their names, in the order of their calls, and that what
/// is between them does not stop a stack.
#[test]
#[ignore = "needs Python 3.12 or later; `make test` runs it where there is one"]
fn functions_are_named() {
    let machine = Machine::take();
    let python = python().expect("there is a Python 3.12 or later");
    let python = python.to_str().expect("it is UTF-8");
    let record = machine.record().env("PYTHONPERFSUPPORT", "1");
    let recording = record.program(python, &["-c", SCRIPT]).run();
    let _map = Map::of_writer(&recording);
    let (folded, _) = recording.adds_up();
    let calls = |line: &Line| {
        let frames = line.user_frames().filter(|frame| frame.ends_with("_[j]"));
        frames
            .map(|frame| frame.split(':').nth(2).unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let whole = ["<module>", "outer", "inner"];
    folded.expect_share(0.7.., |line| {
        line.reason.is_none() && calls(line).starts_with(&whole.map(str::to_owned))
    });
}
