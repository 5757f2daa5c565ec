//! How much of a stack is kept.

use crate::folded::Line;
use crate::machine::Machine;

/// Check that kernel frames can be left out, and that no sample goes with them.
#[test]
fn kernel_frames_are_left_out() {
    let machine = Machine::take();
    let reader = machine.fixture("reader").start::<&str>(&[]);
    let record = machine.record().options("--no-kernel -d 0.3s");
    let (folded, _) = record.process(&reader).run().adds_up();
    folded.expect_all(Line::is_user_mode);
    // the time is spent in the kernel
    folded.expect_share(0.9.., |line| line.has("main;one;two;three;read_block"));
}

/// Check that a stack that is cut says so and keeps its leaf.
#[test]
fn deep_stacks_are_cut() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let record = machine.record().options("--max-depth 3 -d 0.3s");
    let (folded, stats) = record.process(&chain).run().adds_up();
    folded.expect_share(0.99.., |line| line.is_for("[too deep]"));
    folded.expect_all(|line| {
        let inlined = line
            .user_frames()
            .filter(|frame| frame.ends_with("_[i]"))
            .count();
        line.user_frames().count() - inlined <= 3
    });
    folded.expect_share(0.5.., |line| line.has("five;heavy;spin"));
    assert!(stats.count("user.too_deep") > 0);
}
