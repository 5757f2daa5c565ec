//! Names that outlive the process, and whatever became of its file. Symbols are looked up
//! after a command has ended.

use std::fs;
use std::path::Path;

use crate::fixture::Fixture;
use crate::folded::Folded;
use crate::machine::Machine;
use crate::stats::Stats;

/// `brief` under another name, whose function `work` has another name too.
fn brief_with(machine: &Machine, work: &str) -> Fixture {
    let flag = format!("-Dwork={work}");
    machine.fixture_as(&format!("brief-{work}"), "brief", &[&flag, "-static"])
}

fn put(fixture: &Fixture, path: &Path) {
    fs::create_dir_all(path.parent().expect("it is below the test's own directory"))
        .and_then(|()| fs::copy(fixture.path(), path))
        .expect("the test's own directory is writable");
}

/// Panics unless nearly all samples of these threads have a chain, and none has a
/// function that is another program's.
#[track_caller]
fn expect_own_names(folded: &Folded, comm: &str, chain: &str, other: &str) {
    let own = folded.of(comm);
    println!("{comm}: {} samples", own.count());
    own.expect_share(..=0.0, |line| line.has(other));
    own.expect_share(0.95.., |line| line.has(chain));
}

/// Check that a program that deletes its file at once has names.
#[test]
fn program_that_deletes_itself() {
    let machine = Machine::take();
    let path = machine.path("program");
    put(&machine.fixture("vanisher"), &path);
    let script = format!("{} deleted gone 300", path.display());
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    assert!(!path.exists(), "the program is still there");
    expect_own_names(&folded, "gone", "main;vanished", "work");
}

/// Check that a program that never had a name in a file system has names.
#[test]
fn program_in_anonymous_memory() {
    let machine = Machine::take();
    let vanisher = machine.fixture("vanisher");
    let record = machine.record().fixture(&vanisher, "memfd nameless 300");
    let (folded, _) = record.run().adds_up();
    expect_own_names(&folded, "nameless", "main;vanished", "work");
}

/// Check that programs that ran from one path in turn have their own names.
#[test]
fn programs_under_one_path() {
    let machine = Machine::take();
    let (path, new) = (machine.path("program"), machine.path("new"));
    let put_and_run = |work| {
        format!(
            "cp {} {new} && mv {new} {path} && {path} {work} 300",
            brief_with(&machine, work).path(),
            new = new.display(),
            path = path.display(),
        )
    };
    let script = [put_and_run("early_work"), put_and_run("late_work")].join(" && ");
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    expect_own_names(&folded, "early_work", "main;early_work", "late_work");
    expect_own_names(&folded, "late_work", "main;late_work", "early_work");
}

/// Check that a program in a changed root has names, not those of what has its path outside.
#[test]
fn program_in_another_root() {
    let machine = Machine::take();
    let (outside, root) = (machine.path("program"), machine.path("root"));
    put(&brief_with(&machine, "outer_work"), &outside);
    let below = outside.strip_prefix("/").expect("paths are absolute");
    put(&brief_with(&machine, "inner_work"), &root.join(below));
    let script = format!(
        "{path} outside 300; chroot {root} {path} inside 300",
        path = outside.display(),
        root = root.display(),
    );
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    expect_own_names(&folded, "inside", "main;inner_work", "outer_work");
    expect_own_names(&folded, "outside", "main;outer_work", "inner_work");
}

/// Check that a container's library has its own names, not those of the library that has
/// its path outside.
#[test]
fn library_of_a_container() {
    let machine = Machine::take();
    let (outer, inner) = machine.twins();
    let library = machine.path("library.so");
    put(&outer, &library);
    let opener = |name| machine.fixture_as(name, "opener", &[]);
    let script = format!(
        "{outside} 1000 {library} ping {library} ping
        unshare --mount --pid --fork sh -c '
            mount --bind {inner} {library} && exec {inside} 1000 {library} pong {library} pong
        '",
        outside = opener("outside").path(),
        inside = opener("inside").path(),
        inner = inner.path(),
        library = library.display(),
    );
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    let chain = |name| format!("main;visit;{name};{name}_middle;{name}_leaf");
    for (comm, own, other) in [
        ("outside", "ping", "pong_leaf"),
        ("inside", "pong", "ping_leaf"),
    ] {
        // the loader works too
        let visiting = folded.of(comm).only(|line| line.has("main;visit"));
        expect_own_names(&visiting, comm, &chain(own), other);
    }
}

/// Runs a program three hundred milliseconds under each of these names, on an overlay of file
/// systems, after commands that are given there. `below` is in the lower layer.
fn record_on_overlay(machine: &Machine, commands: &str, names: &str) -> Folded {
    let built = brief_with(machine, "overlaid_work");
    let (room, lower) = (machine.path("overlay"), machine.path("lower"));
    put(&built, &lower.join("below"));
    fs::create_dir(&room).expect("the test's own directory is writable");
    let script = format!(
        "unshare --mount sh -ec '
            mount -t tmpfs none {room}
            cd {room}
            mkdir upper work merged
            mount -t overlay none -o lowerdir={lower},upperdir=upper,workdir=work merged
            {commands}
            for name in {names}; do merged/$name $name 300; done
        '",
        room = room.display(),
        lower = lower.display(),
    );
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    folded
}

/// Check that programs on an overlay of file systems have names, of the lower layer and of
/// the upper one.
#[test]
fn programs_on_an_overlay() {
    let machine = Machine::take();
    let folded = record_on_overlay(&machine, "cp merged/below merged/above", "below above");
    for name in ["below", "above"] {
        expect_own_names(&folded, name, "main;overlaid_work", "work");
    }
}

/// Check that a program that an overlay of file systems copied from the lower layer into the
/// upper one has names.
#[test]
fn program_that_an_overlay_copied() {
    let machine = Machine::take();
    let folded = record_on_overlay(&machine, "chmod 700 merged/below", "below");
    expect_own_names(&folded, "below", "main;overlaid_work", "work");
}

/// Check that of 2,000 processes of two milliseconds each no frame is without a name for
/// lack of a file.
#[test]
fn processes_of_two_milliseconds() {
    let machine = Machine::take();
    let brief = machine.fixture("brief");
    let spawner = machine.fixture("spawner");
    let arguments = format!("2000 {} short-{{}} 2", brief.path());
    let record = machine.record().options("-F 1999");
    let (folded, stats) = record.fixture(&spawner, &arguments).run().adds_up();
    let renamed = folded.only(|line| line.comm.starts_with("short-"));
    let sampled = renamed.comms().len();
    println!("{sampled} processes, {} samples", renamed.count());
    assert!(sampled > 1900, "only {sampled} were sampled");
    renamed.expect_share(0.99.., |line| line.is_named() || line.was_cut_off());
    folded.expect_all(|line| !line.user_frames().any(|name| name.starts_with("[brief+")));
    expect_files(&stats);
}

/// Check that processes of some milliseconds have names though each has a file of its own,
/// which it deletes at once.
#[test]
fn short_processes_that_delete_themselves() {
    let machine = Machine::take();
    let vanisher = machine.fixture("vanisher");
    let program = machine.path("program");
    let script = format!("cp {} $0 && exec $0 deleted gone 4", vanisher.path());
    let spawner = machine.fixture("spawner");
    let numbered = format!("{}-{{}}", program.display());
    let arguments = ["300", "/bin/sh", "-c", &script, &numbered];
    let record = machine.record().options("-F 1999");
    let (folded, _) = record.program(spawner.path(), &arguments).run().adds_up();
    let gone = folded.of("gone").only(|line| !line.was_cut_off());
    println!("{} samples", gone.count());
    assert!(gone.count() > 1000, "{} samples", gone.count());
    gone.expect_share(0.9.., |line| line.has("main;vanished"));
    gone.expect_share(0.97.., |line| {
        !line.user_frames().any(|name| name.starts_with("[program-"))
    });
}

/// Check that two programs that have one pid in turn have their own names.
#[test]
fn programs_with_one_pid() {
    let machine = Machine::take();
    let (first, second) = (
        brief_with(&machine, "early_work"),
        brief_with(&machine, "late_work"),
    );
    let arguments = format!("15 {} {} 10", first.path(), second.path());
    let record = machine.record().options("-F 4999");
    let recycler = record.fixture(&machine.fixture("recycler"), &arguments);
    let (folded, _) = recycler.run().adds_up();
    expect_own_names(&folded, "first", "main;early_work", "late_work");
    expect_own_names(&folded, "second", "main;late_work", "early_work");
}

/// Panics if a file could not be opened in time.
#[track_caller]
fn expect_files(stats: &Stats) {
    let unnamed = stats.get("frames.unnamed_by");
    for reason in ["not_opened", "replaced", "unreadable"] {
        let count = unnamed.get(reason).and_then(serde_json::Value::as_u64);
        assert_eq!(count.unwrap_or_default(), 0, "{unnamed}");
    }
}
