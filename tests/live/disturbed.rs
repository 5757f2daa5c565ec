//! Sampling while something is done to the target, or to somno itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::cgroups::Cgroup;
use crate::folded::Line;
use crate::machine::Machine;
use crate::process::{PATIENCE, Process, until};

/// Waits until a process has that many threads.
fn wait_for_threads(process: &Process, count: usize) {
    let tasks = format!("/proc/{}/task", process.pid());
    until(&format!("there are {count} threads"), PATIENCE, || {
        fs::read_dir(&tasks).is_ok_and(|tasks| tasks.count() >= count)
    });
}

/// Check that a target that is stopped and continued all the time has whole stacks, and
/// that none is pending although it is stopped when sampling ends.
#[test]
fn target_may_be_stopped() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let running = machine
        .record()
        .options("-F 4999 -d 0.6s")
        .process(&chain)
        .start();
    running.wait_for_events();
    let is_over = AtomicBool::new(false);
    let recording = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                chain.signal(Signal::STOP);
                thread::sleep(Duration::from_millis(3));
                chain.signal(Signal::CONT);
                thread::sleep(Duration::from_millis(7));
            }
            chain.signal(Signal::STOP);
        });
        let recording = running.wait();
        is_over.store(true, Ordering::Relaxed);
        recording
    });
    let (folded, stats) = recording.adds_up();
    assert!(folded.count() > 100, "{folded}");
    folded.expect_share(0.99.., |line| line.reason.is_none());
    assert_eq!(stats.count("user.pending"), 0);
    stats.expect_no_loss();
}

/// Whether a stack is whole, or of a task at its very end, where nothing may fault and then its
/// memory is gone.
fn is_whole_or_exited(line: &Line) -> bool {
    let is_reason = line.is_for("[exited]") || line.is_for("[unreadable stack]");
    line.reason.is_none() || is_reason && line.has("do_exit_[k]")
}

/// Check that targets that are killed at any moment take nothing with them but the stacks that
/// nobody can read any more, which say so.
#[test]
fn targets_may_be_killed() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let running = machine
        .record()
        .options("-a --comm doomed -F 9999 -d 1.5s")
        .start();
    running.wait_for_sampling();
    for round in 0..60_u64 {
        let doomed = named.start(&["doomed"]);
        doomed.wait_for_comm("doomed".as_ref());
        thread::sleep(Duration::from_micros(round * 137));
        doomed.signal(Signal::KILL);
    }
    let (folded, stats) = running.wait().adds_up();
    assert!(folded.count() > 100, "{folded}");
    folded.expect_share(0.95.., |line| line.has("main"));
    folded.expect_all(is_whole_or_exited);
    assert_eq!(stats.count("user.pending"), 0);
    stats.expect_no_loss();
}

/// Check that thousands of threads are sampled, at the highest rate, without a loss; and that
/// what it costs is bounded there too.
#[test]
fn thousands_of_threads_are_sampled() {
    let machine = Machine::take();
    let throng = machine.fixture("throng").start(&["4000"]);
    wait_for_threads(&throng, 4001);
    let pid = format!("-p {}", throng.pid());
    let bounded = "-a --comm throng --max-overhead 5";
    for options in [&pid[..], "-a --comm throng", bounded] {
        let record = machine.record().options("-F 20000 -d 1s");
        let done = record.options(options).run().exits_with(0);
        let (folded, stats) = (done.folded(), done.stats());
        stats.expect_sums();
        assert!(folded.count() > 200, "{options}: {folded}");
        folded.expect_share(0.9.., |line| line.has("member"));
        for key in ["kernel_ring", "user_ring", "slots", "schedule"] {
            assert_eq!(stats.count(&format!("lost.{key}")), 0, "{options}: {key}");
        }
    }
}

/// Check that profilers that begin and end together can follow the same threads: the kernel
/// turns one away where two change what it keeps for a thread. A few times, as they must meet.
#[test]
fn profilers_begin_together() {
    let machine = Machine::take();
    let throng = machine.fixture("throng").start(&["1000"]);
    wait_for_threads(&throng, 1001);
    let record = || machine.record().options("-F 99 -d 0.1s").process(&throng);
    for _ in 0..4 {
        let running: Vec<_> = (0..4).map(|_| record().start()).collect();
        for somno in running {
            somno.wait().exits_with(0);
        }
    }
}

/// Check that a storm of processes is sampled without a loss: hundreds a second.
#[test]
fn storm_of_processes_is_sampled() {
    let machine = Machine::take();
    let (spawner, brief) = (machine.fixture("spawner"), machine.fixture("named"));
    let arguments = ["400", brief.path(), "brief", "0.001"];
    let record = machine.record().options("-a --comm brief -F 9999");
    let running = record.start();
    running.wait_for_sampling();
    let mut storm = Process::spawn(Command::new(spawner.path()).args(arguments));
    assert!(storm.wait().success());
    running.signal(Signal::INT);
    let (folded, stats) = running.wait().adds_up();
    assert!(folded.count() > 400, "{folded}");
    // what the C runtime runs at an exit has no unwind information
    let is_in_runtime = |line: &Line| line.is_for("[no CFI]") && line.has("__do_global_dtors_aux");
    folded.expect_all(|line| is_whole_or_exited(line) || is_in_runtime(line));
    folded.expect_share(0.95.., |line| line.reason.is_none());
    assert_eq!(stats.count("user.pending"), 0);
    stats.expect_no_loss();
}

/// A cgroup in which there is little memory.
fn little_memory(bytes: u64) -> Cgroup {
    let name = format!("somno-memory-{}", std::process::id());
    let (first, second) = (
        Path::new("/sys/fs/cgroup/memory"),
        Path::new("/sys/fs/cgroup"),
    );
    let (path, limit) = if first.join("memory.limit_in_bytes").exists() {
        (first.join(name), "memory.limit_in_bytes")
    } else {
        // who manages the hierarchy may have it on already
        let _ = fs::write(second.join("cgroup.subtree_control"), "+memory");
        (second.join(name), "memory.max")
    };
    let cgroup = Cgroup::at(path);
    let limit = Path::new(cgroup.path()).join(limit);
    fs::write(limit, bytes.to_string()).expect("the machine can limit memory");
    cgroup
}

/// Check that somno does with 128 MB of memory, that of the kernel for it included, where
/// everything is sampled at a high rate.
#[test]
fn little_memory_is_enough() {
    let machine = Machine::take();
    let memory = little_memory(128 << 20);
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let record = machine.record().options("-a --comm chain -F 9999 -d 2s");
    let (folded, stats) = record.inside(Path::new(memory.path())).run().adds_up();
    folded.expect_share(0.99.., |line| line.reason.is_none());
    assert!(folded.count() > 1000, "{folded}");
    stats.expect_no_loss();
    drop(chain);
}
