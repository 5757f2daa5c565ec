//! When sampling begins and ends.

use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::process::slowness;

/// Check that a duration is kept to.
#[test]
fn duration_is_kept() {
    let machine = Machine::take();
    let named = machine.fixture("named").start(&["busy"]);
    let began = Instant::now();
    let (_, stats) = machine
        .record()
        .options("-d 1s")
        .process(&named)
        .run()
        .adds_up();
    let took = began.elapsed();
    let sampled = Duration::from_nanos(stats.count("duration_ns"));
    assert!(sampled >= Duration::from_secs(1), "{sampled:?}");
    assert!(
        sampled < Duration::from_secs(1) + Duration::from_millis(300) * slowness(),
        "{sampled:?}"
    );
    assert!(took < Duration::from_secs(5) * slowness(), "{took:?}");
}

/// Check that nothing is sampled before the delay is over, of a process or a command.
#[test]
fn delay_is_waited() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let process = named.start(&["busy"]);
    let options = "--delay 0.5s -d 0.3s";
    for record in [
        machine.record().options(options).process(&process),
        machine.record().options(options).fixture(&named, "busy"),
    ] {
        let (folded, stats) = record.run().adds_up();
        assert!(stats.count("start_to_first_sample_ns") >= 500_000_000);
        assert!(
            stats.count("duration_ns") < 600_000_000,
            "the delay is counted as sampled"
        );
        folded.expect_share(0.95.., |line| line.has("main;spin"));
    }
}

/// Check that the rate is what was asked for, as a frequency and as a period.
#[test]
fn rate_is_kept() {
    let machine = Machine::take();
    let brief = machine.fixture("brief");
    // a period of cpu-clock is in nanoseconds
    for (options, expected) in [("-F 299", 299), ("-e cpu-clock -c 1000000", 1000)] {
        let record = machine.record().options(options);
        let (folded, _) = record.fixture(&brief, "busy 1000").run().adds_up();
        let count = folded.of("busy").count();
        assert!(
            (expected * 8 / 10..=expected * 11 / 10).contains(&count),
            "{count} samples in a second of CPU time with {options}"
        );
    }
}
