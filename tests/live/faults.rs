//! Stacks that can be read only by who may fault.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::stats::Stats;

/// A library whose unwind information shares no piece of the page cache with anything.
const LIBRARY: [&str; 5] = [
    "-O1",
    "-fomit-frame-pointer",
    "-shared",
    "-fPIC",
    "-Wl,-z,max-page-size=0x200000",
];

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
    // samples that hit the callback itself share its stack
    let (slept, stacks) = (stats.count("reads.slept"), stats.count("user_halves"));
    assert!(slept * 10 > stacks * 9, "{slept} of {stacks}");

    let record = machine
        .record()
        .options("--no-fault -d 0.4s")
        .process(&evicted);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.9.., |line| line.is_for("[unreadable stack]"));
    assert_eq!(stats.count("reads.slept"), 0);
}

/// Check that a stack in a file whose pages were evicted is read all the same, and that
/// this is counted; and that without faulting its outer frames are out of reach.
#[test]
fn evicted_stack_in_a_file_is_read_by_faulting() {
    let machine = Machine::take();
    let stack = machine.path("stack");
    let coroutine = machine.fixture("coroutine").start(&[&stack]);
    coroutine.use_cpu(Duration::from_millis(50));

    let record = machine.record().options("-d 0.5s").process(&coroutine);
    let (folded, stats) = record.run().adds_up();
    folded.expect_share(0.99.., |line| line.has("start;outer;middle;inner"));
    let (slept, stacks) = (stats.count("reads.slept"), stats.count("user_halves"));
    println!("{stacks} stacks, {slept} reads slept");
    assert!(slept * 10 > stacks * 9, "{slept} of {stacks}");

    let record = machine.record().options("--no-fault -d 0.5s");
    let (folded, stats) = record.process(&coroutine).run().adds_up();
    folded.expect_share(0.9.., |line| line.is_for("[unreadable stack]"));
    folded.expect_share(..0.1, |line| line.has("start;outer"));
    assert_eq!(stats.count("reads.slept"), 0);
}

/// Check that code whose unwind information is not even in the page cache has whole
/// stacks from its first sample on, and that this is counted; and that without
/// faulting it has none.
#[test]
fn evicted_unwind_information_is_read_by_faulting() {
    let machine = Machine::take();
    let (folded, stats) = record_cold(&machine, "evict", "");
    folded.expect_share(0.99.., is_whole("evict_and_call", 1));
    let slept = stats.count("reads.slept");
    assert!(slept > 500, "{slept} for 1,024 functions");

    let (folded, stats) = record_cold(&machine, "evict", "--no-fault");
    folded.expect_share(..0.1, is_whole("evict_and_call", 1));
    assert_eq!(stats.count("reads.slept"), 0);
}

/// Check that a child that has not touched its parent's file pages has whole stacks
/// from its first sample on, and that this is counted; and that without faulting it
/// has none.
#[test]
fn unwind_information_of_a_forked_child_is_read_by_faulting() {
    let machine = Machine::take();
    let (folded, stats) = record_cold(&machine, "fork", "");
    folded.expect_all(|line| line.comm == "child");
    folded.expect_share(0.99.., is_whole("fork_and_call", 16));
    let slept = stats.count("reads.slept");
    assert!(slept >= 256, "{slept} for 256 children");

    let (folded, stats) = record_cold(&machine, "fork", "--no-fault");
    folded.expect_share(..0.1, is_whole("fork_and_call", 16));
    assert_eq!(stats.count("reads.slept"), 0);
}

/// Samples the fixture `cold`; those of its library, of which nobody else has a page.
fn record_cold(machine: &Machine, what: &str, options: &str) -> (Folded, Stats) {
    let library = private_library(machine);
    let cold = machine.fixture_as("cold", "cold", &["-O1", "-fomit-frame-pointer"]);
    let (folded, stats) = machine
        .record()
        .options("-F 9999")
        .options(options)
        .fixture(&cold, &format!("{what} {}", library.display()))
        .run()
        .adds_up();
    stats.expect_no_loss();
    let folded = folded.only(|line| line.frames.iter().any(|frame| is_tiny(frame)));
    println!(
        "{what} {options}: {} samples, {} reads slept",
        folded.count(),
        stats.count("reads.slept")
    );
    assert!(folded.count() > 500, "{} samples", folded.count());
    (folded, stats)
}

fn private_library(machine: &Machine) -> PathBuf {
    let library = machine.path("private.so");
    let common = machine.fixture_as("tiny.so", "tiny", &LIBRARY);
    fs::copy(common.path(), &library).expect("the test's own directory is writable");
    library
}

fn is_tiny(frame: &str) -> bool {
    frame.starts_with("tiny_")
}

/// Whether the entry leads to the caller, the caller to `depth` functions of the library,
/// and these to what they were given, or, on the way down, to fewer. The reason does not
/// matter: what a guess leaves out is missing without one.
fn is_whole(caller: &str, depth: usize) -> impl Fn(&Line) -> bool {
    move |line| {
        let frames: Vec<_> = line.user_frames().collect();
        let inside = frames.iter().filter(|frame| is_tiny(frame)).count();
        let goes_down = frames.last().is_some_and(|frame| is_tiny(frame));
        frames.first() == Some(&"_start")
            && line.has(&format!("main;{caller};{}", first_tiny(&frames)))
            && (inside == depth || goes_down)
    }
}

fn first_tiny<'a>(frames: &[&'a str]) -> &'a str {
    frames
        .iter()
        .find(|frame| is_tiny(frame))
        .copied()
        .unwrap_or_default()
}
