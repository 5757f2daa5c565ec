//! Known stacks and known shares.

use std::time::Duration;

use crate::folded::Line;
use crate::machine::Machine;

const CHAIN: &str = "run;one;two;three;four;five";

fn share_of(function: &str) -> impl Fn(&Line) -> bool {
    move |line| line.has(&format!("{CHAIN};{function}"))
}

/// Check that a command's stacks are whole from its first instruction on, and that
/// functions have the shares that they work for.
#[test]
fn command_has_known_stacks_and_shares() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let (folded, stats) = machine.record().fixture(&chain, "2").run().adds_up();

    let user_mode = folded.of("chain").only(Line::is_user_mode);
    user_mode.expect_share(0.99.., |line| line.has(CHAIN));
    user_mode.expect_share(0.55..=0.65, share_of("heavy"));
    user_mode.expect_share(0.25..=0.35, share_of("medium"));
    user_mode.expect_share(0.05..=0.15, share_of("light"));
    user_mode.expect_share(0.99.., |line| line.reason.is_none());
    assert_eq!(stats.get("capture"), "deferred");
    stats.expect_no_loss();
}

/// Check that all threads of a running process are sampled, with whole stacks.
#[test]
fn running_process_has_known_stacks() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    chain.use_cpu(Duration::from_millis(100));
    let (folded, stats) = machine
        .record()
        .options("-d 1s")
        .process(&chain)
        .run()
        .adds_up();

    folded.expect_all(|line| line.comm == "chain");
    folded.expect_share(0.99.., |line| line.has(CHAIN));
    folded.expect_share(0.99.., |line| line.reason.is_none());
    stats.expect_no_loss();
}
