//! Programs that are replaced between the halves of a sample.

use crate::fixture::Fixture;
use crate::folded::Folded;
use crate::machine::Machine;
use crate::stats::Stats;

/// Two programs that execute each other, with one function each of their own.
fn programs(machine: &Machine) -> (Fixture, Fixture) {
    (
        machine.fixture_as("ping", "hopper", &["-DWORK=ping_work"]),
        machine.fixture_as("pong", "hopper", &["-DWORK=pong_work"]),
    )
}

fn record(machine: &Machine, options: &str, hops: u32, rounds: u32) -> (Folded, Stats) {
    let (first, second) = programs(machine);
    machine
        .record()
        .options(options)
        .fixture(&first, &format!("{hops} {rounds} {}", second.path()))
        .run()
        .adds_up()
}

/// Check that no stack is taken for another program's, however often the program is
/// replaced, and that the call that replaces it is shown on the stack that made it.
#[test]
fn stacks_are_of_the_right_program() {
    let machine = Machine::take();
    let (folded, stats) = record(&machine, "-F 9999", 300, 400_000);
    stats.expect_no_loss();
    for (own, other) in [("ping", "pong"), ("pong", "ping")] {
        let samples = folded.of(own);
        samples.expect_share(0.1.., |line| line.has(&format!("main;{own}_work")));
        samples.expect_share(..=0.0, |line| line.has(&format!("{other}_work")));
    }
    folded.expect_share(..0.02, |line| line.is_for("[exec]"));
    folded
        .only(|line| line.has("begin_new_exec_[k]"))
        .expect_share(0.9.., |line| line.has("main"));
}
