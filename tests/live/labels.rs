//! Variables of the environment, where they are asked for.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::Command;

use crate::folded::Folded;
use crate::machine::Machine;
use crate::privileges::ALL;
use crate::process::Process;
use crate::somno::{self, Record};

/// The samples of a recording that a filter leaves.
pub(crate) fn exported(recording: &Path, filter: &[&str]) -> Folded {
    let output = somno::command()
        .args(["export", "-o", "-", "--format", "folded"])
        .args(filter)
        .arg(recording)
        .output()
        .expect("somno runs");
    assert!(output.status.success(), "{output:?}");
    Folded::parse(&String::from_utf8_lossy(&output.stdout))
}

/// Whatever is in a recording and in a pprof file.
pub(crate) fn contents(recording: &Path, pprof: &Path) -> [String; 2] {
    let open = |path| fs::File::open(path).expect("it was written");
    let mut contents = [Vec::new(), Vec::new()];
    let mut from = open(recording);
    // what comes before the first compressed frame
    from.seek(SeekFrom::Start(12)).expect("it has a beginning");
    zstd::stream::copy_decode(from, &mut contents[0]).expect("it is whole");
    let mut gzip = flate2::read::GzDecoder::new(open(pprof));
    gzip.read_to_end(&mut contents[1]).expect("it is whole");
    contents.map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// Check that samples have the variables that were asked for, of each program that a process
/// runs; and that of others nothing is kept, not even of one whose name begins alike.
#[test]
fn variables_are_recorded() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let script = format!(
        "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; \
         TENANT=second exec {} named 0.3",
        named.path()
    );
    let (recording, pprof) = (machine.path("env.somno"), machine.path("env.pb.gz"));
    let firefox = machine.path("env.firefox.json");
    let record = machine
        .record()
        .options("--env TENANT --env ABSENT --env LONG")
        .output(&recording)
        .output(&pprof)
        .output(&firefox)
        .env("TENANT", "first")
        .env("TENANTS", "not-asked-for-1")
        .env("XTENANT", "not-asked-for-2")
        .env("LONG", &"x".repeat(10_000))
        .env("AFTER", "TENANT=not-asked-for-3");
    let (folded, _) = record.shell(&script).run().adds_up();
    let of = |filter: &str| exported(&recording, &["--env", filter]);
    let (first, second) = (of("TENANT=^first$"), of("TENANT=^second$"));
    first.expect_all(|line| line.comm != "named");
    second.expect_share(0.95.., |line| line.has("main;spin"));
    assert!(first.count() > 50 && second.count() > 50, "{folded}");
    assert_eq!(first.count() + second.count(), folded.count());
    assert_eq!(of("ABSENT=").count(), 0);
    assert_eq!(of("LONG=^x{4090}\u{2026}$").count(), folded.count());

    let firefox = fs::read_to_string(&firefox).expect("it was written");
    assert!(firefox.contains("TENANT=second"), "{firefox}");
    let [in_recording, in_pprof] = contents(&recording, &pprof);
    for text in [in_recording, in_pprof, firefox] {
        assert!(text.contains("second"), "{text}");
        assert!(!text.contains("not-asked-for"), "{text}");
    }
}

/// Check that a process that waits all the time, whose memory is read from outside, is labelled.
#[test]
fn waiting_processes_are_labelled() {
    let machine = Machine::take();
    let mut command = Command::new("sleep");
    let sleeper = Process::spawn(command.arg("3600").env("TENANT", "asleep"));
    sleeper.wait_for_comm("sleep".as_ref());
    sleeper.wait_for_state('S');
    let recording = machine.path("asleep.somno");
    let record = machine.record().options("--off-cpu -d 0.3s --env TENANT");
    let record = record.process(&sleeper).output(&recording);
    let folded = record.run().exits_with(0).folded();
    let labelled = exported(&recording, &["--env", "TENANT=^asleep$"]);
    assert!(
        folded.count() > 0 && labelled.count() == folded.count(),
        "{labelled}"
    );
}

/// Check that an ordinary user who may sample has variables of their own processes, and of
/// nobody else's.
#[test]
fn variables_of_others_are_for_root() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let mut command = Command::new(named.path());
    let other = Process::spawn(command.args(["other", "3600"]).env("TENANT", "of-root"));
    other.wait_for_comm("other".as_ref());
    let of = |record: Record, name: &str| {
        let recording = machine.path(name);
        let record = record.by_nobody(ALL).output(&recording);
        let (folded, _) = record.env("TENANT", "own").run().adds_up();
        assert!(folded.count() > 50, "{folded}");
        let labelled = exported(&recording, &["--env", "TENANT=."]);
        (labelled.count(), folded.count())
    };
    let record = || machine.record().options("--env TENANT -d 0.4s");
    let (of_other, _) = of(record().process(&other), "other.somno");
    assert_eq!(of_other, 0);
    let (of_own, all) = of(record().fixture(&named, "own 0.3"), "own.somno");
    assert_eq!(of_own, all);
}
