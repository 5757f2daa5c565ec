//! Names of files that cannot be opened: their symbols are captured in the process.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::fixture::Fixture;
use crate::folded::Folded;
use crate::machine::Machine;
use crate::process::Process;
use crate::stats::Stats;

/// Has every function be in the table of symbols that is mapped. A linkage table would have
/// no symbol anywhere.
const EXPORTED: [&str; 3] = ["-rdynamic", "-Dstatic=", "-fno-plt"];

fn vanisher(machine: &Machine) -> Fixture {
    machine.fixture_as("vanisher-exported", "vanisher", &EXPORTED)
}

/// A copy of a program that may delete itself.
fn copy(machine: &Machine, program: &Fixture) -> PathBuf {
    let path = machine.path("program");
    fs::copy(program.path(), &path).expect("the test's own directory is writable");
    path
}

/// Samples a program from its beginning to its end, while somno is stopped: nobody opens
/// its file.
fn record_unattended(machine: &Machine, arguments: &[&str]) -> (Folded, Stats) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
        .args(arguments);
    let mut target = Process::spawn(command.stdout(Stdio::null()));
    let somno = machine.record().options("-F 1999").process(&target).start();
    somno.wait_for_sampling();
    somno.signal(Signal::STOP);
    target.signal(Signal::CONT);
    let status = target.wait();
    somno.signal(Signal::CONT);
    assert!(status.success(), "{arguments:?}: {status}");
    somno.wait().adds_up()
}

#[track_caller]
fn expect_captured(folded: &Folded, stats: &Stats, comm: &str) {
    let own = folded.of(comm);
    let captured = stats.count("modules.symbols_captured");
    let bytes = stats.count("modules.symbol_bytes");
    println!(
        "{comm}: {} samples, {captured} captured, {bytes} bytes",
        own.count()
    );
    assert!(own.count() > 100, "{} samples", own.count());
    assert!(captured > 0, "nothing was captured");
    own.only(|line| !line.was_cut_off())
        .expect_share(0.95.., |line| line.has("main;vanished"));
}

/// Check that a deleted program has names though nobody was there to open its file.
#[test]
fn deleted_program_that_nobody_opened() {
    let machine = Machine::take();
    let program = copy(&machine, &vanisher(&machine));
    let program = program.to_str().expect("the target directory is UTF-8");
    let (folded, stats) = record_unattended(&machine, &[program, "deleted", "gone", "300"]);
    expect_captured(&folded, &stats, "gone");
}

/// Check the same of a program that never had a name in a file system.
#[test]
fn program_in_memory_that_nobody_opened() {
    let machine = Machine::take();
    let program = vanisher(&machine);
    let (folded, stats) =
        record_unattended(&machine, &[program.path(), "memfd", "nameless", "300"]);
    expect_captured(&folded, &stats, "nameless");
}

/// Check the same of a program in a file system that goes with the process, and is nowhere
/// else.
#[test]
fn program_in_a_mount_namespace_that_nobody_opened() {
    let machine = Machine::take();
    let program = vanisher(&machine);
    let room = machine.path("room");
    fs::create_dir(&room).expect("the test's own directory is writable");
    let script = format!(
        "mount -t tmpfs none {room} && cp {} {room}/program && exec {room}/program kept inner 300",
        program.path(),
        room = room.display(),
    );
    let arguments = ["unshare", "--mount", "sh", "-c", &script];
    let (folded, stats) = record_unattended(&machine, &arguments);
    expect_captured(&folded, &stats, "inner");
}

/// Check that symbols are captured of a process that goes on, sample by sample, where one
/// does not capture all of them.
#[test]
fn many_symbols_of_a_process_that_is_not_seen() {
    let machine = Machine::take();
    let flags = [&EXPORTED[..], &["-DMANY"]].concat();
    let fixture = machine.fixture_as("vanisher-many", "vanisher", &flags);
    let program = copy(&machine, &fixture);
    let mut command = Command::new(&program);
    let process = Process::spawn(command.args(["deleted", "many", "100000"]));
    process.wait_for_comm("many".as_ref());
    let record = machine.record().options("-a -F 999 -d 1s").apart();
    let (folded, stats) = record.run().adds_up();
    process.use_cpu(Duration::from_millis(1));
    expect_captured(&folded, &stats, "many");
    let bytes = stats.count("modules.symbol_bytes");
    assert!(bytes > 150_000, "{bytes} bytes were captured");
}

/// Check that each of a hundred programs of four milliseconds, which deletes itself, has
/// names though nobody was there to open its file.
#[test]
fn short_processes_that_nobody_opened() {
    let machine = Machine::take();
    let (vanisher, spawner) = (vanisher(&machine), machine.fixture("spawner"));
    let program = machine.path("program");
    let script = format!(
        "cp {} $0 && exec $0 deleted gone-${{0##*-}} 4",
        vanisher.path()
    );
    let numbered = format!("{}-{{}}", program.display());
    let arguments = [spawner.path(), "100", "/bin/sh", "-c", &script, &numbered];
    let (folded, stats) = record_unattended(&machine, &arguments);
    let gone = folded.only(|line| line.comm.starts_with("gone-") && !line.was_cut_off());
    println!(
        "{} samples of {} processes, {} captured",
        gone.count(),
        gone.comms().len(),
        stats.count("modules.symbols_captured")
    );
    assert!(gone.comms().len() > 95, "{:?}", gone.comms());
    expect_opened_or_captured(&gone);
}

#[track_caller]
fn expect_opened_or_captured(folded: &Folded) {
    folded.expect_share(0.9.., |line| line.has("main;vanished"));
    let is_unnamed = |name: &str| name.starts_with("[program-");
    // what the compiler adds for a program's beginning and end is not exported
    let is_at_edge = |name: &str| ["call_init", "_dl_fini"].contains(&name);
    folded.expect_all(|line| {
        let has_names = !line.user_frames().any(is_unnamed);
        has_names || line.user_frames().any(is_at_edge) || line.reason.is_some()
    });
}

/// Check that of hundreds of programs of four milliseconds, each of which deletes itself, none
/// has a frame without a name for lack of its file.
#[test]
fn short_processes_that_are_opened_or_captured() {
    let machine = Machine::take();
    let vanisher = vanisher(&machine);
    let program = machine.path("program");
    let script = format!("cp {} $0 && exec $0 deleted gone 4", vanisher.path());
    let spawner = machine.fixture("spawner");
    let numbered = format!("{}-{{}}", program.display());
    let arguments = ["600", "/bin/sh", "-c", &script, &numbered];
    let record = machine.record().options("-F 1999");
    let (folded, stats) = record.program(spawner.path(), &arguments).run().adds_up();
    let gone = folded.of("gone").only(|line| !line.was_cut_off());
    let captured = stats.count("modules.symbols_captured");
    println!("{} samples, {captured} programs captured", gone.count());
    assert!(gone.count() > 2000, "{} samples", gone.count());
    expect_opened_or_captured(&gone);
}

/// Check that a dynamic section that lies costs the names, and nothing else.
#[test]
fn lies_cost_no_more_than_names() {
    let machine = Machine::take();
    let flags = ["-rdynamic", "-Wl,-z,norelro", "-Wl,-z,now", "-Dstatic="];
    let liar = machine.fixture_as("liar", "liar", &flags);
    for lie in ["nowhere", "buckets", "chain", "count", "nonsense"] {
        let program = copy(&machine, &liar);
        let program = program.to_str().expect("the target directory is UTF-8");
        let (folded, stats) = record_unattended(&machine, &[program, lie, lie, "200"]);
        let own = folded.of(lie);
        println!(
            "{lie}: {} samples, {} bytes captured, {:.3} named",
            own.count(),
            stats.count("modules.symbol_bytes"),
            own.share(|line| line.has("main;lie"))
        );
        stats.expect_no_loss();
        assert!(own.count() > 100, "{} samples", own.count());
        own.expect_share(0.95.., |line| line.reason.is_none());
        own.expect_share(0.9.., |line| line.user_frames().count() > 4);
    }
}
