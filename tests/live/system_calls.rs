//! Long system calls: many kernel halves, one user half.

use crate::folded::Line;
use crate::machine::Machine;

const CALL: &str = "main;one;two;three;read_block;entry_SYSCALL_64_after_hwframe_[k]";

/// Check that the kernel's frames stand on the stack that made the call, and that one
/// reading of it serves all samples of a call.
#[test]
fn one_user_half_serves_a_system_call() {
    let machine = Machine::take();
    let reader = machine.fixture("reader").start::<&str>(&[]);
    let (folded, stats) = machine
        .record()
        .options("-F 9999 -d 0.5s")
        .process(&reader)
        .run()
        .adds_up();
    folded.expect_share(0.95.., |line| line.has(CALL));
    folded
        .only(|line| !line.is_user_mode())
        .expect_share(0.99.., |line| {
            line.has("main;one;two;three;read_block") && line.kernel_frames().count() > 2
        });
    let (samples, halves) = (stats.count("samples"), stats.count("user_halves"));
    assert!(
        halves * 10 < samples,
        "{halves} user halves for {samples} samples"
    );
    stats.expect_no_loss();
}

/// Check that a target that is in a call when sampling stops costs no stack: it comes back in
/// time, or is read from outside.
#[test]
fn no_call_is_pending() {
    let machine = Machine::take();
    let reader = machine.fixture("reader");
    let (folded, stats) = machine
        .record()
        .options("-F 9999 -d 0.5s")
        .fixture(&reader, "")
        .run()
        .adds_up();
    assert_eq!(stats.count("user.pending"), 0);
    folded.expect_share(0.95.., Line::is_named);
}
