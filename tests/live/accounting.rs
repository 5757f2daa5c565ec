//! Every sample is accounted for.

use crate::folded::Line;
use crate::machine::Machine;
use crate::stats::Stats;

/// Fewer would mean that the load was none.
const MANY: u64 = 20_000;

fn expect_quiet_rings(stats: &Stats) {
    stats.expect_no_loss();
    assert!(stats.count("samples") > MANY, "{}", stats.get("samples"));
}

/// Check that nothing is lost at 9,999 Hz with four threads on all CPUs.
#[test]
fn nothing_is_lost_at_a_high_rate() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let (folded, stats) = machine
        .record()
        .options("-F 9999")
        .fixture(&chain, "3")
        .run()
        .adds_up();
    expect_quiet_rings(&stats);
    assert_eq!(stats.count("freq"), 9999);
    folded
        .only(Line::is_user_mode)
        .expect_share(0.99.., |line| line.has("run;one;two;three;four;five"));
}

/// Check that nothing is lost at 9,999 Hz when everything is sampled.
#[test]
fn nothing_is_lost_system_wide() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let (folded, stats) = machine.record().options("-a -F 9999 -d 3s").run().adds_up();
    expect_quiet_rings(&stats);
    folded
        .of("chain")
        .only(Line::is_user_mode)
        .expect_share(0.99.., |line| line.has("run;one;two;three;four;five"));
    drop(chain);
}

/// Check that somno is not among everything.
#[test]
fn somno_does_not_sample_itself() {
    let machine = Machine::take();
    // there may be others of its name
    let (folded, _) = machine
        .record()
        .under_name(&machine.path("somno-itself"))
        .options("-a -F 9999 -d 0.3s")
        .run()
        .adds_up();
    let own = folded.of("somno-itself");
    assert_eq!(own.count(), 0, "somno samples itself\n{own}");
}

/// Check that --stats states every key of the contract, zeros too.
#[test]
fn stats_have_every_key() {
    let machine = Machine::take();
    let chain = machine.fixture("chain");
    let (_, stats) = machine.record().fixture(&chain, "0.3").run().adds_up();
    for key in [
        "samples",
        "user.complete",
        "user.no_cfi",
        "user.bad_cfi",
        "user.broken_chain",
        "user.unreadable",
        "user.too_deep",
        "user.exited",
        "user.exec",
        "user.pending",
        "user.lost",
        "user.interrupt",
        "kernel_only",
        "lost.kernel_ring",
        "lost.user_ring",
        "lost.slots",
        "lost.schedule",
        "lost.shed",
        "lost.throttled",
        "off_cpu.interruptible_ns",
        "off_cpu.uninterruptible_ns",
        "off_cpu.preempted_ns",
        "off_cpu.stopped_ns",
        "off_cpu.short_count",
        "off_cpu.short_ns",
        "off_cpu.untracked",
        "reads.slept",
        "frames.cfi",
        "frames.frame_pointer",
        "frames.rule_cached",
        "frames.rule_found",
        "frames.named",
        "frames.unnamed",
        "modules.seen",
        "modules.symbols_captured",
        "modules.symbols_cut",
        "modules.symbol_bytes",
        "modules.symbols_delayed",
        "cost.nmi_ns.p50",
        "cost.nmi_ns.p99",
        "cost.nmi_ns.total",
        "cost.deferred_ns.p50",
        "cost.deferred_ns.p99",
        "cost.deferred_ns.total",
        "cost.user_space_cpu_ns",
        "cost.max_rss_bytes",
        "cost.max_anon_bytes",
        "start_to_first_sample_ns",
        "bytes_written",
        "duration_ns",
    ] {
        stats.count(key);
    }
    assert_eq!(stats.count("schema"), 1);
    for key in ["version", "kernel", "capture", "event"] {
        assert!(stats.get(key).is_string(), "{key}");
    }
    assert_eq!(
        stats.sum("frames.unnamed_by"),
        stats.count("frames.unnamed")
    );
}
