//! Address spaces that change under the profiler. What was true of an address a moment
//! ago must not be believed: no sample may show a chain that never was.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSymbol as _};
use rustix::process::Signal;

use crate::fixture::Fixture;
use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::process::Process;

/// Where a program has a function.
fn address_of(program: &Fixture, function: &str) -> u64 {
    let data = fs::read(program.path()).expect("it was compiled");
    let file = ElfFile64::<Endianness>::parse(&data[..]).expect("the compiler wrote it");
    let found = file
        .symbols()
        .find(|symbol| symbol.name() == Ok(function))
        .unwrap_or_else(|| panic!("{} has no {function}", program.path()));
    found.address()
}

/// What the fixture `mapper` does with the twins.
fn record_mapper(machine: &Machine, what: &str) -> Folded {
    let (first, second) = machine.twins();
    let arguments = format!("{what} 2000 {} {}", first.path(), second.path());
    let record = machine.record().options("-F 9999");
    let mapper = record.fixture(&machine.fixture("mapper"), &arguments);
    let (folded, stats) = mapper.run().adds_up();
    stats.expect_no_loss();
    folded
}

/// Samples in a twin's functions, of which there are many.
#[track_caller]
fn in_twin(folded: &Folded, name: &str) -> Folded {
    let found = folded.only(|line| line.frames.iter().any(|frame| frame.starts_with(name)));
    let count = found.count();
    println!(
        "{name}: {count} samples, {:.4} complete",
        found.share(|line| line.reason.is_none())
    );
    assert!(count > 500, "{count} samples in {name}");
    found
}

/// Whether, from main on, a stack is one that calls of `callers` and a twin's functions can
/// make; where it stopped short, whether it is a piece of one.
fn is_possible(callers: &str, name: &str) -> impl Fn(&Line) -> bool {
    let whole = format!("{callers};{name};{name}_middle;{name}_leaf;");
    move |line| {
        let frames: Vec<_> = line.user_frames().collect();
        let main = frames.iter().position(|&frame| frame == "main");
        let shown = format!("{};", frames[main.unwrap_or_default()..].join(";"));
        match main {
            Some(_) => whole.starts_with(&shown),
            None => line.reason.is_some() && format!(";{whole}").contains(&format!(";{shown}")),
        }
    }
}

/// Check that stacks are right in two libraries that are loaded at the same address in
/// turn.
#[test]
fn libraries_that_are_loaded_in_turn() {
    let machine = Machine::take();
    let (first, second) = machine.twins();
    let arguments = format!("2000 {} ping {} pong", first.path(), second.path());
    let record = machine.record().options("-F 9999");
    let opener = record.fixture(&machine.fixture("opener"), &arguments);
    let (folded, stats) = opener.run().adds_up();
    stats.expect_no_loss();
    for name in ["ping", "pong"] {
        let samples = in_twin(&folded, name);
        samples.expect_all(is_possible("main;visit", name));
        samples.expect_share(0.99.., |line| line.reason.is_none());
    }
}

/// Check that stacks are right in code that replaces other code where it is mapped.
#[test]
fn code_that_is_replaced_where_it_is() {
    let machine = Machine::take();
    let folded = record_mapper(&machine, "swap");
    for name in ["ping", "pong"] {
        let samples = in_twin(&folded, name);
        samples.expect_all(is_possible("main;swap;visit", name));
        samples.expect_share(0.99.., |line| line.reason.is_none());
    }
}

/// Check that stacks are right in a library that is mapped twice.
#[test]
fn library_that_is_mapped_twice() {
    let machine = Machine::take();
    let folded = record_mapper(&machine, "twice");
    let samples = in_twin(&folded, "ping");
    for caller in ["visit", "visit_again"] {
        let samples = samples.only(|line| line.has(caller));
        assert!(samples.count() > 500, "{} samples", samples.count());
        samples.expect_all(is_possible(&format!("main;call_both;{caller}"), "ping"));
    }
    samples.expect_share(0.99.., |line| line.reason.is_none());
}

/// Check that code that is mapped a second time without its unwind information neither
/// takes what is there instead for it, nor has the library's own mapping forget its own.
#[test]
fn code_that_is_mapped_without_its_unwind_information() {
    let machine = Machine::take();
    for what in ["bare", "mixed"] {
        let samples = in_twin(&record_mapper(&machine, what), "ping");
        let is_own = is_possible("main;call_both;visit", "ping");
        let is_second = is_possible("main;call_both;visit_again", "ping");
        samples.expect_all(|line| is_own(line) || is_second(line));
        samples.expect_share(0.4.., |line| {
            line.has("main;call_both;visit;ping;ping_middle;ping_leaf")
        });
    }
}

/// Check that stacks are right in programs at fixed addresses that replace each other in
/// one process.
#[test]
fn programs_that_execute_each_other() {
    let machine = Machine::take();
    let build = |name: &str, work: &str, room: &str| {
        // gcc leaves the header out of static programs
        let own = [work, room, "-Wl,--eh-frame-hdr"];
        let flags = ["-O1", "-fomit-frame-pointer", "-static", "-no-pie"];
        machine.fixture_as(name, "hopper", &[&flags[..], &own].concat())
    };
    let first = build("ping-static", "-DWORK=ping_work", "-DROOM=1000");
    let second = build("pong-static", "-DWORK=pong_work", "-DROOM=3000");
    assert_eq!(
        address_of(&first, "ping_work"),
        address_of(&second, "pong_work")
    );

    let arguments = format!("600 400000 {}", second.path());
    let record = machine
        .record()
        .options("-F 9999")
        .fixture(&first, &arguments);
    let (folded, stats) = record.run().adds_up();
    stats.expect_no_loss();
    for (own, other) in [("ping", "pong"), ("pong", "ping")] {
        let samples = folded.of(&format!("{own}-static"));
        println!("{own}: {} samples", samples.count());
        assert!(samples.count() > 500, "{} samples", samples.count());
        samples.expect_share(..=0.0, |line| line.has(&format!("{other}_work")));
        let working = samples.only(|line| line.has(&format!("{own}_work")));
        working.expect_all(|line| {
            line.user_frames().next() == Some("_start")
                && line.user_frames().last() == Some(&format!("{own}_work"))
                && line.has(&format!("main;{own}_work"))
        });
        assert!(working.count() > 100, "{} samples", working.count());
    }
}

/// Check that a program whose file is replaced while it is sampled keeps its own names,
/// and that what is started from the new file has the new ones.
#[test]
fn file_that_is_replaced_by_another() {
    let machine = Machine::take();
    let path = machine.path("program");
    let put = |program: &str, function: &str| {
        let built = machine.fixture_as(program, "named", &[&format!("-Dspin={function}")]);
        let unfinished = machine.path("unfinished");
        fs::copy(built.path(), &unfinished).expect("the test's own directory is writable");
        fs::rename(&unfinished, &path).expect("a file just made can be renamed");
    };
    put("named-before", "spin_before");
    let before = start(&path, "before");
    let somno = machine.record().options("-F 9999 -a").start();
    somno.wait_for_events();
    before.use_cpu(Duration::from_millis(200));
    put("named-after", "spin_after");
    let after = start(&path, "after");
    for process in [&before, &after] {
        process.use_cpu(Duration::from_millis(200));
    }
    somno.signal(Signal::INT);
    let (folded, _) = somno.wait().adds_up();
    for (own, other) in [("before", "after"), ("after", "before")] {
        let samples = folded.of(own);
        println!("{own}: {} samples", samples.count());
        assert!(samples.count() > 500, "{} samples", samples.count());
        samples.expect_share(..=0.0, |line| line.has(&format!("spin_{other}")));
        samples.expect_share(0.95.., |line| line.has(&format!("main;spin_{own}")));
    }
}

/// Starts a program and waits until it runs under the name that it is given.
fn start(program: &Path, name: &str) -> Process {
    let process = Process::spawn(Command::new(program).arg(name).stdout(Stdio::null()));
    process.wait_for_comm(name.as_ref());
    process
}

/// Check that what a process makes of its own copy of a file's unwind information is
/// believed of no other process.
#[test]
fn forged_unwind_information_stays_with_the_forger() {
    let machine = Machine::take();
    let flags = ["-O2", "-fomit-frame-pointer"];
    let fixture = machine.fixture_as("forger", "forger", &flags);
    let path = fixture.path();
    let record = machine.record().options("-F 4999");
    let script = format!("{path} forge; {path}");
    let (folded, _) = record.shell(&script).run().exits_with(0).adds_up();
    let honest = folded.of("forger");
    assert!(honest.count() > 500, "{} samples", honest.count());
    let working = honest.only(|line| line.user_frames().any(|frame| frame == "work"));
    working.expect_share(0.99.., |line| line.has("main;middle;work"));
}
