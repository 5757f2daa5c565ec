//! The live tests, in a guest that has the programs which they sample.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::table::Group;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ROOM: &str = env!("CARGO_TARGET_TMPDIR");

/// Programs that tests sample or make fixtures with.
const PROGRAMS: &str =
    "cc c++ gcc g++ clang ld.lld objcopy xz python3 perl git taskset unshare mount pidof sh";

/// Seconds for all tests.
const TIMEOUT: u32 = 3000;

/// Tests that were seen to pass in guests, by how their names begin.
const RUN: [&str; 25] = [
    "accounting::",
    "address_space::",
    "captured::",
    "cgroups::other_directories_are_refused",
    "chain::",
    "debug_files::",
    "debuginfod::",
    "declared::",
    "depth::",
    "doctor::",
    "dump::",
    "ended::",
    "events::absent_event_is_explained",
    "events::context_switches_have_stacks",
    "events::events_are_listed",
    "events::libraries_can_be_probed",
    "events::page_faults_have_stacks",
    "events::tracepoints_need_no_mount",
    "events::uprobes_find_the_callers",
    "events::watchpoint_finds_the_writer",
    "exec::",
    "exit::",
    "faults::stacks_are_read_by_faulting",
    "files::",
    "formats::",
];

const RATE: &str = "an emulated CPU takes fewer samples than it asks for, or some are held back";
const START: &str = "a larger share of a short process is its start and its end when emulated";
const OUTSIDE: &str = "it reads from outside, which is not safe on 6.18.15";

/// Of those, tests that were seen not to, with why; on all kernels where none is named.
const LEFT_OUT: [(&str, &str, &str); 10] = [
    ("", "accounting::nothing_is_lost", RATE),
    ("", "captured::short_processes", START),
    ("", "chain::running_process_has_known_stacks", RATE),
    ("", "debug_files::by_build_id", START),
    ("", "debug_files::compressed_in_the_program", START),
    ("", "debug_files::debug_file_of_another_build", START),
    ("", "events::libraries_can_be_probed", RATE),
    (
        "",
        "ended::sampling_ends_with_the_target",
        "its target ends before somno has begun",
    ),
    ("6.18", "dump::deadlock_is_shown", OUTSIDE),
    ("6.18", "dump::uninterruptible_task_is_shown", OUTSIDE),
];

/// Runs what can be run of them on a kernel.
pub(crate) fn run(series: &str) -> Group {
    let room = Path::new(ROOM).join(format!("vm-{series}"));
    let out = room.join("live");
    let _ = fs::remove_dir_all(&out);
    let image = Path::new(ROOM).join("system.ext4");
    let tests = build();
    let made = Command::new("tests/vm/system")
        .arg(&image)
        .args(PROGRAMS.split(' '))
        .arg(&tests)
        .status();
    assert!(made.expect("it is a script").success(), "no system");
    let all = list(&tests);
    let chosen = choose(series, &all);
    let script = room.join("live.sh");
    let words: Vec<_> = chosen.iter().map(String::as_str).collect();
    // above 2 these kernels do not let who has CAP_PERFMON open events
    let text = format!(
        "cd {ROOT}\nmkdir -p {ROOM}\necho 2 >/proc/sys/kernel/perf_event_paranoid\nexport SOMNO_SLOWNESS=5\n{} --test-threads 1 --exact {}\n",
        tests.display(),
        words.join(" ")
    );
    fs::write(&script, text).expect("the target directory is writable");
    let place = |path: &Path| format!("{0}:{0}", path.display());
    let _ = Command::new("tests/vm/boot")
        .args(["--kernel", series, "--timeout", &TIMEOUT.to_string()])
        .args(["--memory", "3072", "--system"])
        .arg(&image)
        .args(["--file", &place(Path::new(env!("CARGO_BIN_EXE_somno")))])
        .args(["--file", &place(&tests)])
        .args(["--file", &place(&Path::new(ROOT).join("assets"))])
        .arg("--run")
        .arg(&script)
        .arg("--out")
        .arg(&out)
        .status()
        .expect("it is a script");
    let output = fs::read(out.join("output.log")).unwrap_or_default();
    let output = String::from_utf8_lossy(&output);
    let (passed, failed): (Vec<_>, Vec<_>) = chosen
        .iter()
        .partition(|test| output.contains(&format!("test {test} ... ok\n")));
    print!("{}", failures(&output));
    for test in &failed {
        println!("  live test failed or did not end: {test}");
    }
    Group {
        passed: passed.len(),
        failed: failed.len(),
        left_out: all.len() - chosen.len(),
    }
}

/// What failed tests said, as the harness prints it at its end.
fn failures(output: &str) -> &str {
    output
        .find("\nfailures:\n")
        .map_or("", |begin| &output[begin..])
}

/// Builds the tests as this was built, and returns where they are.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "test",
        "--test",
        "live",
        "--no-run",
        "--message-format",
        "json",
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // what cargo told this test; dependencies that look at it would be built anew
    for (name, _) in env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if told
            .iter()
            .any(|told| name.as_encoded_bytes().starts_with(told.as_bytes()))
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "live")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo built the live tests")
}

fn list(tests: &Path) -> Vec<String> {
    let output = Command::new(tests).arg("--list").output();
    let output = output.expect("the live tests run");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| line.strip_suffix(": test"));
    lines.map(str::to_owned).collect()
}

/// Chooses those that can run and that LIVE, part of a name, does not leave out; names the others.
fn choose(series: &str, all: &[String]) -> Vec<String> {
    let wanted = env::var("LIVE").unwrap_or_default();
    let mut chosen = Vec::new();
    for test in all {
        let reason = LEFT_OUT.iter().find(|(kernel, name, _)| {
            (kernel.is_empty() || *kernel == series) && test.starts_with(name)
        });
        match reason {
            _ if !test.contains(&wanted) => println!("  live test left out: {test}: not in LIVE"),
            Some((_, _, reason)) => println!("  live test left out: {test}: {reason}"),
            None if RUN.iter().any(|name| test.starts_with(name)) => chosen.push(test.clone()),
            None => println!("  live test left out: {test}: not yet seen to pass in a guest"),
        }
    }
    chosen
}
