//! Processes that are over before a profiler could prepare for them.

use crate::folded::Line;
use crate::machine::Machine;

const PROCESSES: usize = 1000;

/// Check that of a thousand processes of three milliseconds each, every one has named
/// frames, its own chain among them.
#[test]
fn every_process_has_named_frames() {
    let machine = Machine::take();
    let brief = machine.fixture("brief");
    let script = format!(
        "i=0; while [ $i -lt {PROCESSES} ]; do {} brief-$i 3; i=$((i+1)); done",
        brief.path()
    );
    let (folded, stats) = machine.record().shell(&script).run().adds_up();
    stats.expect_no_loss();

    // each process takes a name of its own first
    let ours = folded.only(|line| line.comm.starts_with("brief"));
    ours.only(|line| !line.was_cut_off())
        .expect_all(Line::is_named);
    ours.expect_share(..0.02, Line::was_cut_off);
    assert!(stats.count("user.pending") <= 5, "{}", stats.get("user"));

    let renamed = ours.only(|line| line.comm != "brief");
    let sampled = renamed.comms().len();
    assert!(
        sampled > PROCESSES * 99 / 100,
        "only {sampled} were sampled"
    );
    let in_chain = renamed.only(|line| line.has("main;work"));
    let without: Vec<_> = renamed
        .comms()
        .difference(&in_chain.comms())
        .copied()
        .collect();
    assert!(without.is_empty(), "without the known chain: {without:?}");
}
