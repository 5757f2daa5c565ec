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
const PROGRAMS: &str = "cc c++ gcc g++ clang ld.lld objcopy xz python3 perl git node java javac \
    tmux perf taskset unshare mount pidof sh";

/// Seconds for all tests, and for each.
const TIMEOUT: u32 = 10_800;
const PATIENCE: u32 = 300;

const RATE: &str = "an emulated CPU takes fewer samples than it asks for, or some are held back";
const START: &str = "a larger share of a short process is its start and its end when emulated";
const OUTSIDE: &str = "it reads from outside, which is not safe on these kernels";
const HELD_BACK: &str = "the kernel holds samples back that take an emulated CPU too long";
const ABSENT: &str = "the guest has no overlayfs";
const BLOCKS: &str =
    "emulated interrupts come where blocks begin: more often where a library's tables are wrong";
const LOCKED: &str = "another thread holds the lock of its mappings for longer when emulated";
const SLOW: &str = "it takes more than a hundred seconds when emulated";
const DEFERRED: &str = "it looks at what only a kernel that can defer has";
const SWITCH: &str =
    "to switch tasks takes longer when emulated, which the program counts otherwise";

/// Kernels on which tasks cannot be read from outside.
const UNSAFE: &str = "6.18 6.19";

/// Kernels that cannot defer.
const FALLBACK: &str = "fallback";

/// Tests that were seen not to pass in guests, by how their names begin, with why; on all
/// kernels where none is named.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("", "accounting::nothing_is_lost", RATE),
    ("", "captured::short_processes", START),
    (
        "",
        "cgroups::cgroups_are_sampled",
        "passed twice, then had 94.8 % where 95 are asked for: it looks at the clock for longer",
    ),
    ("", "chain::running_process_has_known_stacks", RATE),
    ("", "debug_files::by_build_id", START),
    ("", "debug_files::compressed_in_the_program", START),
    ("", "debug_files::debug_file_of_another_build", START),
    ("", "disturbed::targets_may_be_killed", START),
    ("", "disturbed::thousands_of_threads_are_sampled", RATE),
    (
        "",
        "ended::sampling_ends_with_the_target",
        "its target ends before somno has begun",
    ),
    ("", "events::libraries_can_be_probed", RATE),
    ("", "events::several_events_are_told_apart", START),
    (
        "",
        "faults::evicted_stack_in_a_file_is_read_by_faulting",
        "a read slept for five stacks of six there, not for nine of ten",
    ),
    ("", "off_cpu::causes_have_their_time", SWITCH),
    ("", "off_cpu::wall_is_on_and_off", SWITCH),
    (
        "newest",
        "privileges::deleted_files_take_capabilities",
        "the kernel reads names for who may not open the file",
    ),
    ("", "flavours::compilers", RATE),
    ("", "flavours::linkers", RATE),
    ("", "jit::java_has_names", START),
    ("", "jit::maps_of_short_lived_processes_are_found", START),
    ("", "jit::node_has_names", START),
    ("", "linkage::linkage_stubs", HELD_BACK),
    ("", "linkage::vdso", HELD_BACK),
    ("", "outliving::processes_of_two_milliseconds", RATE),
    ("", "outliving::program_that_an_overlay_copied", ABSENT),
    ("", "outliving::programs_on_an_overlay", ABSENT),
    ("", "outliving::programs_with_one_pid", START),
    ("", "outliving::short_processes_that_delete", START),
    ("", "overload::overhead_is_bounded", RATE),
    ("", "real_programs::cplusplus_compiler", SLOW),
    ("", "real_programs::node", HELD_BACK),
    (
        "",
        "real_programs::rust_compiler",
        "no package of Debian's has the one that is here",
    ),
    ("", "real_programs::short_compilers", SLOW),
    ("", "short_lived::every_process_has_named_frames", RATE),
    ("", "system_calls::one_user_half_serves", HELD_BACK),
    ("", "targets::kin_is_left_alone", START),
    ("", "targets::kin_of_a_command", START),
    ("", "targets::kin_of_a_process", START),
    (
        "",
        "unwinding::made_code_is_stepped_over",
        "emulated interrupts come where blocks begin: more often before a frame is made",
    ),
    ("6.18", "debug_files::compressed_debug", START),
    ("6.19", "jit::map_written_late", START),
    ("6.18 6.19", "jumps::exceptions", BLOCKS),
    ("6.18 6.19", "linkage::reloaded_library", LOCKED),
    (FALLBACK, "cgroups::waits_in_a_cgroup_are_sampled", DEFERRED),
    (FALLBACK, "doctor::report_for_scripts", DEFERRED),
    (FALLBACK, "recordings::segments_have_everything", DEFERRED),
    (FALLBACK, "report::recording_is_shown", DEFERRED),
    (FALLBACK, "svg::picture_says_what_it_shows", DEFERRED),
    (FALLBACK, "timing::rate_is_kept", RATE),
    (UNSAFE, "depth::kernel_frames", OUTSIDE),
    (UNSAFE, "dump::crowd_is_shown_while_it_runs", OUTSIDE),
    (UNSAFE, "dump::deadlock_is_shown", OUTSIDE),
    (UNSAFE, "dump::uninterruptible_task_is_shown", OUTSIDE),
    (UNSAFE, "hostile::nobody_waits_for_a_userfaultfd", OUTSIDE),
    (UNSAFE, "labels::waiting_processes_are_labelled", OUTSIDE),
    (UNSAFE, "off_cpu::open_intervals_are_closed", OUTSIDE),
    (UNSAFE, "pending::task_that_runs_meanwhile", OUTSIDE),
    (UNSAFE, "pending::narrow_program_has_no_cfi", OUTSIDE),
    (UNSAFE, "privileges::waiting_is_seen_without_root", OUTSIDE),
    (UNSAFE, "system_calls::no_call_is_pending", OUTSIDE),
];

/// Tests of what somno does where the kernel cannot defer, by how their names begin: all but what
/// unwinds without frame pointers, waits, or captures.
const OF_FALLBACK: &[&str] = &[
    "cgroups::",
    "doctor::",
    "files::",
    "formats::",
    "narrowing::",
    "perf::",
    "pprof::",
    "recordings::",
    "report::",
    "signals::",
    "status::",
    "streams::",
    "svg::",
    "targets::",
    "timing::",
    "tui::",
];

/// Runs what can be run of them on a kernel.
pub(crate) fn run(series: &str, defers: bool) -> Group {
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
    let chosen = choose(series, defers, &all);
    let script = room.join("live.sh");
    fs::write(&script, script_of(&tests, &chosen)).expect("the target directory is writable");
    let place = |path: &Path| format!("{0}:{0}", path.display());
    // what is compiled here already need not be compiled there
    let fixtures = Path::new(ROOM).join("fixtures");
    fs::create_dir_all(&fixtures).expect("the target directory is writable");
    let _ = Command::new("tests/vm/boot")
        .args(["--kernel", series, "--timeout", &TIMEOUT.to_string()])
        .args(["--memory", "3072", "--system"])
        .arg(&image)
        .args(["--file", &place(Path::new(env!("CARGO_BIN_EXE_somno")))])
        .args(["--file", &place(&tests)])
        .args(["--file", &place(&Path::new(ROOT).join("assets"))])
        .args(["--file", &place(&fixtures)])
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
        .partition(|test| output.contains(&format!("passed {test} in ")));
    let said = output.lines().filter(|line| !line.starts_with("passed "));
    said.for_each(|line| println!("  {line}"));
    for test in &failed {
        println!("  live test failed or did not end: {test}");
    }
    Group {
        passed: passed.len(),
        failed: failed.len(),
        left_out: all.len() - chosen.len(),
    }
}

/// What the guest runs: each test by itself, so that one that hangs leaves the others alone. What
/// those say that fail comes back.
fn script_of(tests: &Path, chosen: &[String]) -> String {
    // above 2 these kernels do not let who has CAP_PERFMON open events; samples take an emulated
    // CPU so long that the kernel would hold some back; and before any controller is on, cgroups do
    // not have perf's, which systemd sees to elsewhere
    format!(
        r#"cd {ROOT}
mkdir -p {ROOM}
echo 2 >/proc/sys/kernel/perf_event_paranoid
echo 0 >/proc/sys/kernel/perf_cpu_time_max_percent
echo +pids >/sys/fs/cgroup/cgroup.subtree_control
export SOMNO_SLOWNESS=5 SOMNO_FALLBACK=1
for test in {chosen}; do
	began=$(date +%s)
	said=$(timeout {PATIENCE} {tests} --exact $test 2>&1)
	case $said in
	*"test $test ... ok"*) echo "passed $test in $(($(date +%s) - began)) s" ;;
	*) echo "$said" ;;
	esac
done
"#,
        chosen = chosen.join(" "),
        tests = tests.display(),
    )
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

/// All tests but those that are run by others, or by themselves only.
fn list(tests: &Path) -> Vec<String> {
    let named = |options: &[&str]| -> Vec<String> {
        let output = Command::new(tests).arg("--list").args(options).output();
        let output = output.expect("the live tests run");
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter_map(|line| line.strip_suffix(": test"));
        lines.map(str::to_owned).collect()
    };
    let ignored = named(&["--ignored"]);
    let mut all = named(&[]);
    all.retain(|test| !ignored.contains(test));
    all
}

/// Chooses those that are not left out, by LIVE, parts of names, or above; names the others.
fn choose(series: &str, defers: bool, all: &[String]) -> Vec<String> {
    let wanted = env::var("LIVE").unwrap_or_default();
    let is_wanted =
        |test: &str| wanted.is_empty() || wanted.split_whitespace().any(|part| test.contains(part));
    let mut chosen = Vec::new();
    for test in all {
        let reason = LEFT_OUT.iter().find(|(kernel, name, _)| {
            let is_of_kernel = match *kernel {
                "" => true,
                FALLBACK => !defers,
                named => named.split(' ').any(|named| named == series),
            };
            is_of_kernel && test.starts_with(name)
        });
        match reason {
            _ if !is_wanted(test) => println!("  live test left out: {test}: not in LIVE"),
            Some((_, _, reason)) => println!("  live test left out: {test}: {reason}"),
            None if !defers && !OF_FALLBACK.iter().any(|name| test.starts_with(name)) => {
                println!("  live test left out: {test}: this kernel cannot defer");
            }
            None => chosen.push(test.clone()),
        }
    }
    chosen
}
