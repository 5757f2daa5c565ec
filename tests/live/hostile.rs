//! Targets that want somno to wait, to end, or to take what it should not.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::debug_files::room;
use crate::machine::Machine;
use crate::process::{PATIENCE, slowness, until};
use crate::somno::{SOMNO, command};

/// Check that memory that a userfaultfd watches, and nobody answers for, is not waited for: such
/// stacks end with their reason, the other threads' are whole, nobody is asked for a page, and
/// sampling ends in time.
#[test]
fn nobody_waits_for_a_userfaultfd() {
    let machine = Machine::take();
    let watched = machine.fixture("watched").start::<&str>(&[]);
    watched.thread("busy");
    watched.thread("waiting");
    watched.thread("free");
    watched.use_cpu(Duration::from_millis(50));
    let began = Instant::now();
    let record = machine.record().options("-F 999 --wall -d 0.5s");
    let recording = record.process(&watched).run().exits_with(0);
    recording.stats().expect_sums();
    let folded = recording.folded();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8) * slowness(), "{took:?}");
    for name in ["busy", "waiting"] {
        let stuck = folded.of(name);
        stuck.expect_share(0.99.., |line| line.is_for("[unreadable stack]"));
        stuck.expect_share(..0.01, |line| line.has("outer"));
    }
    folded.of("free").expect_share(0.99.., |line| {
        line.reason.is_none() && line.has("work;spin")
    });

    let pid = watched.pid().to_string();
    let dump = command().args(["dump", "-p", &pid]).output();
    let dump = dump.expect("somno can be run");
    assert!(dump.status.success(), "{dump:?}");
    let text = String::from_utf8_lossy(&dump.stdout);
    assert!(
        text.contains("waiting") && text.contains("unreadable"),
        "{text}"
    );
    // it ends when anybody waits for one of its pages
    watched.use_cpu(Duration::from_millis(50));
}

/// Check that unwind information that leads round in a circle ends its own stack with a reason,
/// and costs what it may.
#[test]
fn endless_expression_is_bounded() {
    let machine = Machine::take();
    let looper = machine.fixture("looper").start::<&str>(&[]);
    looper.use_cpu(Duration::from_millis(50));
    let record = machine.record().options("-F 999 -d 0.5s");
    let (folded, stats) = record.process(&looper).run().adds_up();
    folded.expect_share(0.95.., |line| {
        line.is_for("[bad CFI]") && line.has("around;spin")
    });
    let longest = stats.count("cost.deferred_ns.p99");
    assert!(longest < 20_000_000, "{longest} ns");
}

/// Check that programs whose debug link leads to a FIFO, or whose embedded symbols unpack to more
/// than there is room for, cost their own names only, and that sampling ends in time.
#[test]
fn crafted_programs_cost_their_names() {
    let machine = Machine::take();
    let room = room(&machine);
    for (name, made) in [
        (
            "linked",
            "cp whole debug && objcopy --strip-all --add-gnu-debuglink=debug whole linked \
             && rm debug && mkfifo debug",
        ),
        (
            "bomb",
            "head -c 1100M /dev/zero | xz -0 >data \
             && objcopy --strip-all --add-section=.gnu_debugdata=data whole bomb",
        ),
    ] {
        let made_it = Command::new("sh")
            .args(["-c", made])
            .current_dir(&room)
            .status();
        assert!(made_it.is_ok_and(|status| status.success()), "{made}");
        let program = room.join(name);
        let program = program.to_str().expect("the target directory is UTF-8");
        let record = machine.record().program(program, &["running", "200"]);
        let (folded, stats) = record.run().adds_up();
        let running = folded.of("running");
        running.expect_share(0.95.., |line| {
            line.has("__libc_start_main") || line.frames.len() > 1
        });
        let memory = stats.count("cost.max_rss_bytes");
        assert!(memory < 512 << 20, "{memory}");
    }
}

/// Check that a program that becomes shorter while its symbols are read costs its own names at
/// most.
#[test]
fn shortened_program_is_survived() {
    let machine = Machine::take();
    // its debug information takes a while to read
    let victim = machine.path("victim");
    fs::copy(SOMNO, &victim).expect("the test's own directory is writable");
    let victim = victim.to_str().expect("the target directory is UTF-8");
    let script = format!("for i in 1 2 3 4 5 6; do {victim} list events; done");
    let running = machine.record().options("-F 4999").shell(&script).start();
    let maps = format!("/proc/{}/maps", running.pid());
    until("somno reads the program's symbols", PATIENCE, || {
        let maps = fs::read_to_string(&maps).unwrap_or_default();
        // a program that runs cannot be written to
        let file = || File::options().write(true).open(victim);
        maps.contains(victim) && file().is_ok_and(|file| file.set_len(4096).is_ok())
    });
    let (folded, _) = running.wait().adds_up();
    assert!(folded.of("victim").count() > 0, "{folded}");
}
