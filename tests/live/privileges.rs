//! Without root: what each capability gives, what is said where one is missing, and that nobody
//! reaches more by somno than it shows.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::fs::{MemfdFlags, XattrFlags, memfd_create, setxattr};
use rustix::thread::CapabilitySet;

use crate::folded::Line;
use crate::kernel_names::{KPTR_RESTRICT, Setting};
use crate::machine::Machine;
use crate::nobody::{NOBODY, run_as_nobody};
use crate::process::Process;
use crate::somno::{self, SOMNO};

const CAPTURE: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);
const FILES: CapabilitySet = CapabilitySet::SYS_PTRACE.union(CapabilitySet::CHECKPOINT_RESTORE);
pub(crate) const ALL: CapabilitySet = CAPTURE.union(FILES).union(CapabilitySet::SYSLOG);

/// Runs somno to its end as nobody.
fn run(capabilities: CapabilitySet, arguments: &[&str]) -> Output {
    run_program(Path::new(SOMNO), capabilities, arguments)
}

fn run_program(program: &Path, capabilities: CapabilitySet, arguments: &[&str]) -> Output {
    let mut command = somno::command_at(program);
    command.args(arguments).current_dir("/");
    run_as_nobody(&mut command, capabilities);
    command
        .output()
        .expect("nobody can run somno: the target directory is open to all")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A set in a line of /proc/PID/status.
fn set(status: &str, name: &str) -> CapabilitySet {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let digits = line.expect("it is always there").trim();
    CapabilitySet::from_bits_retain(u64::from_str_radix(digits, 16).expect("it is a mask"))
}

/// Check that an ordinary user samples with two capabilities, that the command has none of them,
/// and that what is written is the user's.
#[test]
fn two_capabilities_suffice() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let script = format!("cat /proc/self/status; exec timeout 1 {}", chain.path());
    let svg = machine.path("nobody.svg");
    let recording = machine
        .record()
        .by_nobody(CAPTURE)
        .output(&svg)
        .shell(&script)
        .run();
    let status = recording.stdout();
    for sets in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(
            set(&status, sets),
            CapabilitySet::empty(),
            "{sets}\n{status}"
        );
    }
    let owner = fs::metadata(&svg).expect("it was written").uid();
    assert_eq!(owner, NOBODY);
    let recording = recording.exits_with(124);
    recording.stats().expect_sums();
    let folded = recording.folded();
    folded.of("chain").expect_share(0.95.., |line| {
        line.has("clone3;start_thread;run;one") && line.has("spin")
    });
}

/// Check that time off the CPU is sampled with them, and that threads are dumped.
#[test]
fn waiting_is_seen_without_root() {
    let machine = Machine::take();
    let record = machine.record().by_nobody(CAPTURE).options("--off-cpu");
    let recording = record.program("sleep", &["0.2"]).run().exits_with(0);
    recording.stats().expect_sums();
    recording.folded().of("sleep").expect_share(0.9.., |line| {
        line.user_frames().any(|frame| frame.contains("nanosleep"))
    });

    let mut sleeping = Process::spawn(Command::new("sleep").arg("60"));
    let output = run(CAPTURE, &["dump", "-p", &sleeping.pid().to_string()]);
    sleeping.signal(rustix::process::Signal::KILL);
    sleeping.wait();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let dump = text(&output.stdout);
    assert!(dump.contains("nanosleep"), "{dump}");
}

/// Check that what nothing can be sampled without is named, with what grants it.
#[test]
fn missing_capabilities_are_named() {
    let _machine = Machine::take();
    for (held, missing) in [
        (
            CapabilitySet::empty(),
            "CAP_BPF and CAP_PERFMON are missing",
        ),
        (FILES, "CAP_BPF and CAP_PERFMON are missing"),
        (CapabilitySet::PERFMON, "CAP_BPF is missing"),
        (CapabilitySet::BPF, "CAP_PERFMON is missing"),
    ] {
        for arguments in [
            &["record", "-o", "-", "--", "echo", "it ran"][..],
            &["dump", "-p", "1"],
        ] {
            let output = run(held, arguments);
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(text(&output.stdout), "", "the command ran");
            let said = text(&output.stderr);
            let lines: Vec<_> = said.lines().collect();
            assert_eq!(lines.len(), 2, "a sentence and a next step, not\n{said}");
            assert_eq!(lines[0], format!("somno: failed to sample: {missing}"));
            assert!(lines[1].contains("sudo"), "{said}");
            let granting = format!(
                "sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_checkpoint_restore,cap_syslog=p {SOMNO}"
            );
            assert!(lines[1].ends_with(&granting), "{said}");
        }
    }
}

/// Check that kernel functions have names for who has `CAP_SYSLOG`, and that it is said what is
/// missing otherwise.
#[test]
fn kernel_names_take_a_capability() {
    let machine = Machine::take();
    let _hidden = Setting::change(KPTR_RESTRICT, "1");
    let calling = "dd if=/dev/zero of=/dev/null bs=1 count=400000 2>/dev/null";
    for (held, is_named) in [(CAPTURE, false), (CAPTURE | CapabilitySet::SYSLOG, true)] {
        let recording = machine.record().by_nobody(held).shell(calling).run();
        let said = recording.stderr();
        let (folded, _) = recording.adds_up();
        let named = |frame: &str| !frame.starts_with("[kernel+");
        let frames: Vec<_> = folded.lines().flat_map(Line::kernel_frames).collect();
        assert!(!frames.is_empty(), "nothing in the kernel was sampled");
        assert_eq!(
            frames.iter().any(|frame| named(frame)),
            is_named,
            "{held:?}"
        );
        assert_eq!(
            said.matches("CAP_SYSLOG").count(),
            usize::from(!is_named),
            "{said}"
        );
    }
}

/// Check that a mapped file that was deleted is opened with the capabilities for that, its own
/// user's with one, and that otherwise it is said what opening it may take.
#[test]
fn deleted_files_take_capabilities() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let copy = machine.path("deleted");
    let restore = CapabilitySet::CHECKPOINT_RESTORE;
    for (is_own, held, missing) in [
        (true, restore, ""),
        (
            true,
            FILES - restore,
            "CAP_CHECKPOINT_RESTORE and CAP_DAC_READ_SEARCH",
        ),
        (false, FILES, "CAP_DAC_READ_SEARCH"),
        (false, FILES | CapabilitySet::DAC_READ_SEARCH, ""),
    ] {
        fs::copy(named.path(), &copy).expect("the test's own directory is writable");
        let record = machine.record().by_nobody(CAPTURE | held);
        let mut command = Command::new(&copy);
        command.args(["busy", "20"]);
        if is_own {
            run_as_nobody(&mut command, CapabilitySet::empty());
        }
        let mut process = Process::spawn(&mut command);
        fs::remove_file(&copy).expect("it is there");
        let recording = record.options("-F 999 -d 0.5s").process(&process).run();
        process.signal(rustix::process::Signal::KILL);
        process.wait();
        let said = recording.stderr();
        let (folded, _) = recording.adds_up();
        let has_names = |line: &Line| line.has("main;spin");
        folded
            .of("busy")
            .expect_share(0.9.., |line| has_names(line) == missing.is_empty());
        let note = format!("which may take {missing};");
        assert_eq!(
            said.contains(&note),
            !missing.is_empty(),
            "{held:?}: {said}"
        );
    }
}

/// Check what each thread has while it samples: nothing is in effect for who is not root, and
/// root too has nothing that is not needed any more.
#[test]
fn recording_gives_up_privileges() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let of_root = CAPTURE
        | FILES
        | CapabilitySet::SYSLOG
        | CapabilitySet::DAC_READ_SEARCH
        | CapabilitySet::KILL
        | CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FOWNER;
    let with_more = ALL | CapabilitySet::NET_ADMIN;
    for (held, permitted, effective) in [
        (None, of_root, of_root - CAPTURE),
        (Some(with_more), ALL, CapabilitySet::empty()),
    ] {
        let record = machine.record().options("-F 99 -d 20s").process(&chain);
        let record = match held {
            Some(held) => record.by_nobody(held),
            None => record,
        };
        let running = record.start();
        running.wait_for_sampling();
        let tasks = fs::read_dir(format!("/proc/{}/task", running.pid())).expect("it runs");
        for task in tasks {
            let status = task.expect("it is listed").path().join("status");
            let status = fs::read_to_string(status).expect("it runs");
            assert_eq!(set(&status, "CapPrm:"), permitted, "{status}");
            assert_eq!(set(&status, "CapEff:"), effective, "{status}");
            assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");
            if held.is_none() {
                assert!(set(&status, "CapBnd:").is_empty(), "{status}");
            }
        }
        running.signal(rustix::process::Signal::INT);
        running.wait().exits_with(0);
    }
}

/// Check that what loads programs is given up when sampling has ended.
#[test]
fn nothing_is_loaded_after_sampling() {
    let machine = Machine::take();
    let record = machine.record().by_nobody(ALL).options("-d 0.2s");
    let running = record.shell("trap '' TERM; while :; do :; done").start();
    running.wait_for_message("samples in");
    let path = format!("/proc/{}/status", running.pid());
    let status = fs::read_to_string(path).expect("it waits for the command");
    assert_eq!(set(&status, "CapPrm:"), ALL - CAPTURE);
    running.wait().exits_with(0);
}

/// Check that it is said why a program has no samples that an ordinary user may not read, and
/// that it has some where everything is sampled.
#[test]
fn unreadable_programs_are_sampled_with_all() {
    let machine = Machine::take();
    let program = machine.path("unreadable");
    fs::copy(machine.fixture("named").path(), &program).expect("it is ours");
    let execute_only = fs::Permissions::from_mode(0o711);
    fs::set_permissions(&program, execute_only).expect("it is ours");
    let path = program.to_str().expect("the target directory is UTF-8");
    let run = |options: &str| {
        let record = machine.record().by_nobody(CAPTURE).options(options);
        if options.is_empty() {
            return record.program(path, &["busy", "0.5"]).run();
        }
        let mut command = Command::new(path);
        command.args(["busy", "20"]);
        run_as_nobody(&mut command, CapabilitySet::empty());
        let mut process = Process::spawn(&mut command);
        let recording = record.run();
        process.signal(rustix::process::Signal::KILL);
        process.wait();
        recording
    };
    let recording = run("");
    let said = recording.stderr();
    let (_, stats) = recording.adds_up();
    assert_eq!(stats.count("samples"), 0);
    assert!(said.contains("sampled with --all only"), "{said}");
    let (folded, _) = run("-a -F 999 -d 0.5s --comm busy").adds_up();
    assert!(folded.of("busy").count() > 0, "it ran all the time");
}

/// A program of somno that has capabilities, or an owner, of its own.
fn installed(machine: &Machine, name: &str) -> PathBuf {
    let program = machine.path(name);
    fs::copy(SOMNO, &program).expect("the test's own directory is writable");
    let scratch = program.parent().expect("it is in a directory");
    for path in [&program, scratch] {
        let all = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path, all).expect("it is ours");
    }
    program
}

/// Gives a program capabilities, as setcap(8) does.
///
/// Source: `struct vfs_cap_data`, include/uapi/linux/capability.h.
fn grant(program: &Path, permitted: CapabilitySet) {
    const REVISION_2: u32 = 0x0200_0000;
    let low = u32::try_from(permitted.bits() & 0xffff_ffff).expect("it was cut");
    let high = u32::try_from(permitted.bits() >> 32).expect("it was cut");
    let words = [REVISION_2, low, 0, high, 0];
    let value: Vec<_> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    setxattr(program, "security.capability", &value, XattrFlags::empty())
        .expect("the target directory is on a file system with attributes");
}

/// Check that a program with capabilities of its own samples for anybody, whatever its own /proc
/// files are, and opens files with no more rights than who runs it.
#[test]
fn granted_capabilities_open_no_files() {
    const SECRET: &str = "freq = \"hunter2\"\n";

    let machine = Machine::take();
    let program = installed(&machine, "granted");
    grant(&program, ALL);
    let run = |arguments: &[&str]| run_program(&program, CapabilitySet::empty(), arguments);

    let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; grep Cap /proc/self/status";
    let output = run(&[
        "record",
        "-o",
        "/dev/null",
        "--format",
        "folded",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let status = text(&output.stdout);
    assert!(set(&status, "CapPrm:").is_empty(), "{status}");

    // with CAP_SYS_PTRACE in effect this file could be opened, for its mode lets all write it
    let mut file =
        File::from(memfd_create("secret", MemfdFlags::empty()).expect("there is memory"));
    file.write_all(SECRET.as_bytes()).expect("it is open");
    file.set_permissions(fs::Permissions::from_mode(0o777))
        .expect("it is ours");
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    for arguments in [
        &["record", "--format", "folded", "-o", &path, "--", "true"][..],
        &[
            "record",
            "--stats",
            &path,
            "-o",
            "/dev/null",
            "--format",
            "folded",
            "--",
            "true",
        ],
        &["--config", &path, "record", "--", "true"],
        &["report", &path],
    ] {
        let output = run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("Permission denied"), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
    assert_eq!(fs::read_to_string(&path).expect("it is ours"), SECRET);
}

/// Check that a program that would write files as root for anybody refuses to.
#[test]
fn set_user_id_is_refused() {
    let machine = Machine::take();
    let program = installed(&machine, "set-user-id");
    chown(&program, Some(0), Some(0)).expect("we are root");
    let mode = fs::Permissions::from_mode(0o4755);
    fs::set_permissions(&program, mode).expect("it is ours");
    let output = run_program(&program, CapabilitySet::empty(), &["doctor"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("set-user-ID"), "{said}");
    assert_eq!(text(&output.stdout), "");
}

/// Check that capabilities in a user namespace of one's own are not taken for the real ones.
#[test]
fn user_namespaces_do_not_count() {
    let _machine = Machine::take();
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            SOMNO,
            "record",
            "-o",
            "-",
            "--",
            "true",
        ])
        .output()
        .expect("unshare can be run");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("CAP_BPF and CAP_PERFMON are missing"),
        "{said}"
    );
    assert!(said.contains("user namespace"), "{said}");
}
