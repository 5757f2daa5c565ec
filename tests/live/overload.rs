//! The bound on what somno costs.

use crate::machine::Machine;
use crate::stats::Stats;

/// Check that samples which would cost too much are shed and counted, and that those that remain
/// stand for them.
#[test]
fn overhead_is_bounded() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let record = |options: &str| {
        let record = machine
            .record()
            .options("-F 19999 -d 1.5s")
            .options(options);
        let done = record.process(&chain).run().exits_with(0);
        done.stats().expect_sums();
        (done.folded(), done.stats())
    };
    // in thousandths of the time of the CPUs that its threads were on, which is their samples'
    let overhead = |stats: &Stats, weight: u64| {
        let cost = stats.count("cost.nmi_ns.total") + stats.count("cost.deferred_ns.total");
        cost / (weight * 50)
    };

    let (folded, stats) = record("");
    assert_eq!(stats.count("lost.shed"), 0);
    assert_eq!(folded.count(), stats.count("samples"));
    let free = overhead(&stats, folded.count());
    assert!(free > 60, "{free} thousandths: there is nothing to bound");

    let (folded, stats) = record("--max-overhead 2");
    let (samples, shed) = (stats.count("samples"), stats.count("lost.shed"));
    assert!(shed > samples, "{samples} samples, {shed} shed");
    // some are not stood for yet, on each CPU
    let gap = (samples + shed).abs_diff(folded.count());
    assert!(gap * 50 < samples + shed, "{gap} of {samples} and {shed}");
    let bounded = overhead(&stats, folded.count());
    assert!(
        bounded <= 30,
        "{bounded} thousandths, {free} without a bound"
    );
}
