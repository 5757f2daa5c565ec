//! Tasks that are in the kernel when sampling ends: their stacks are read from outside.

use std::process::Command;

use crate::folded::Folded;
use crate::machine::Machine;
use crate::process::Process;
use crate::somno::Record;
use crate::stats::Stats;

/// Samples time off the CPU, of which nothing is lost.
fn sampled(record: Record) -> (Folded, Stats) {
    let recording = record.options("--off-cpu -d 0.4s").run().exits_with(0);
    let stats = recording.stats();
    stats.expect_sums();
    stats.expect_no_loss();
    (recording.folded(), stats)
}

/// Check that a task that waits and runs by turns in one system call, and so may run while it
/// is read, has its stack.
#[test]
fn task_that_runs_meanwhile_has_its_stack() {
    let machine = Machine::take();
    let dribbler = machine.fixture("dribbler").start::<&str>(&[]);
    let (folded, stats) = sampled(machine.record().process(&dribbler));
    let in_call = folded.only(|line| line.has("vfs_write_[k]"));
    assert!(in_call.count() > 0, "{folded}");
    in_call.expect_all(|line| line.has("main;pour;write_all;entry_SYSCALL_64_after_hwframe_[k]"));
    assert_eq!(stats.count("user.pending"), 0);
}

/// Check that processes that end while they are read do no harm.
#[test]
fn processes_may_end_meanwhile() {
    let machine = Machine::take();
    let script = "while :; do for i in 1 2 3 4 5 6 7 8; do sleep 0.02 & done; wait; done";
    let sleepers = Process::spawn(Command::new("sh").args(["-c", script]));
    for _ in 0..3 {
        let (folded, _) = sampled(machine.record().options("-a"));
        assert!(folded.of("sleep").count() > 0, "{folded}");
    }
    drop(sleepers);
}

/// Check that a program of 32 bits, which is not unwound, says so from outside too.
#[test]
fn narrow_program_has_no_cfi() {
    let machine = Machine::take();
    let flags = ["-m32", "-nostdlib", "-static"];
    let narrow = machine.fixture_as("narrow", "narrow", &flags);
    let narrow = narrow.start::<&str>(&[]);
    let (folded, stats) = sampled(machine.record().process(&narrow));
    folded.expect_all(|line| line.is_for("[no CFI]") && line.user_frames().next().is_none());
    assert_eq!(stats.count("user.no_cfi"), stats.count("samples"));
}

/// Check that threads of the kernel that wait are counted as what they are.
#[test]
fn kernel_threads_have_nothing_to_read() {
    let machine = Machine::take();
    let (folded, stats) = sampled(machine.record().options("-a"));
    let threads = folded.only(|line| line.comm.starts_with("kthreadd"));
    threads.expect_all(|line| line.user_frames().next().is_none() && line.reason.is_none());
    assert!(stats.count("kernel_only") > 0);
}
