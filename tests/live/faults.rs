//! Stacks that can be read only by who may fault.

use std::time::Duration;

use crate::machine::Machine;

/// Check that frames on pages that are not mapped are read all the same, and that
/// this is counted; and that without faulting they are out of reach.
#[test]
fn stacks_are_read_by_faulting() {
    let machine = Machine::take();
    let evicted = machine.fixture("evicted").start::<&str>(&[]);
    evicted.use_cpu(Duration::from_millis(50));

    let record = machine.record().options("-d 0.4s").process(&evicted);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.99.., |line| line.has("run;outer;middle"));
    folded.expect_share(0.99.., |line| line.reason.is_none());
    let (slept, samples) = (stats.count("reads.slept"), stats.count("samples"));
    assert!(slept * 10 > samples * 9, "{slept} of {samples}");

    let record = machine
        .record()
        .options("--no-fault -d 0.4s")
        .process(&evicted);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.9.., |line| line.is_for("[unreadable stack]"));
    assert_eq!(stats.count("reads.slept"), 0);
}
