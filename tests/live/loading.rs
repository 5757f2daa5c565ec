//! What loading the programs costs.

use std::fs;

use crate::machine::Machine;

/// Instructions that the verifier may look at for one program: start-up time is
/// made of them, some 2 us each.
const BUDGET: u64 = 50_000;

/// Check that the verifier looks at no more instructions than the budget allows.
#[test]
fn verification_is_within_its_budget() {
    let machine = Machine::take();
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let somno = machine.record().process(&chain).start();
    somno.wait_for_events();
    let counts: Vec<u64> = fs::read_dir(format!("/proc/{}/fdinfo", somno.pid()))
        .expect("somno runs")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .filter_map(|info| {
            let line = info
                .lines()
                .find(|line| line.starts_with("verified_insns:"))?;
            line.split_whitespace().last()?.parse().ok()
        })
        .collect();
    assert!(counts.len() > 5, "somno's programs: {counts:?}");
    let most = counts.into_iter().max().unwrap_or_default();
    println!("at most {most} instructions verified for a program");
    assert!(most > 10_000, "that is not the unwinder: {most}");
    assert!(most < BUDGET, "{most} instructions verified");
}
