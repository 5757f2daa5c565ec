//! Tasks that exit.

use std::process::Command;

use rustix::process::Signal;

use crate::machine::Machine;
use crate::process::Process;

/// Check that the tear-down of a task's memory is shown on the stack that exited.
///
/// System-wide, because the kernel takes a task's own events away before (6.16). The
/// first of them is small: where its end needs a rule of libc that no sample needed
/// before, that exit only makes it known.
#[test]
fn exit_is_shown_on_its_user_stack() {
    let machine = Machine::take();
    let leaver = machine.fixture("leaver");
    let running = machine.record().options("-a -F 9999").start();
    running.wait_for_events();
    let mut leavers = Process::spawn(Command::new("sh").args([
        "-c",
        &format!(
            "for size in 1 128 128 128; do {} $size; done",
            leaver.path()
        ),
    ]));
    leavers.wait();
    running.signal(Signal::INT);
    let (folded, _) = running.wait().adds_up();

    let ours = folded.of("leaver");
    ours.only(|line| line.has("exit_mmap_[k]"))
        .expect_share(0.99.., |line| line.has("main;leave;leave_now"));
    ours.expect_share(..0.02, |line| line.is_for("[exited]"));
}

/// Check that a task that is sampled until its end keeps its last stacks.
#[test]
fn last_samples_are_not_lost() {
    let machine = Machine::take();
    let leaver = machine.fixture("leaver");
    let (folded, stats) = machine
        .record()
        .options("-F 9999")
        .fixture(&leaver, "64")
        .run()
        .adds_up();
    stats.expect_no_loss();
    let ours = folded.of("leaver");
    ours.expect_share(0.8.., |line| line.has("main;touch"));
    ours.expect_share(..0.02, |line| line.is_for("[exited]"));
}
