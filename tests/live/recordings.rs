//! Recordings: what is in them is what the other outputs of the same run have.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};
use somno::event::Outcome;
use somno::export::folded;
use somno::recording::{self, Recording};
use somno::time::Timestamp;
use somno::view::selection::{Filter, Selection};

use crate::machine::Machine;
use crate::process::{PATIENCE, Process, slowness, until};
use crate::somno::command;
use crate::stats::Stats;

fn read(path: &Path) -> Recording {
    recording::read(path).expect("it can be read")
}

fn lines(recording: &Recording) -> String {
    let everything = Filter::default();
    let began = recording.header.began;
    let selection = Selection::new(&recording.profile, &recording.names, began, &everything);
    let mut text = Vec::new();
    folded::write(&selection, &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("it is text")
}

/// Check that a recording has the same stacks, names and counts as what was written beside
/// it, and a copy of it too.
#[test]
fn recording_has_everything() {
    let machine = Machine::take();
    let (first, copy) = (machine.path("a.somno"), machine.path("b.somno"));
    let record = machine.record().output(&first).output(&copy);
    let done = record
        .fixture(&machine.fixture("named"), "busy 0.5")
        .run()
        .exits_with(0);
    let recording = read(&first);
    assert_eq!(recording.cut, None);
    assert_eq!(lines(&recording), done.folded_text());
    assert_eq!(
        recording.tally.samples(),
        done.stats().count("samples"),
        "samples"
    );
    assert_eq!(
        fs::read(&first).expect("it is there"),
        fs::read(&copy).expect("so is this")
    );
}

/// Check that a recording is the default, under a name that is free.
#[test]
fn recording_is_the_default() {
    let machine = Machine::take();
    let room = machine.path("room");
    fs::create_dir(&room).expect("it is ours");
    for name in ["profile.somno", "profile.1.somno"] {
        let status = Command::new(env!("CARGO_BIN_EXE_somno"))
            .args(["--quiet", "record", "--", "true"])
            .current_dir(&room)
            .status();
        assert!(status.expect("it starts").success());
        assert_eq!(read(&room.join(name)).cut, None);
    }
}

/// Check that under sudo new files belong to whoever called it, and others stay whose they were.
#[test]
fn files_are_the_callers() {
    let machine = Machine::take();
    let (new, old) = (machine.path("new.somno"), machine.path("old.somno"));
    fs::write(&old, "").expect("it is ours");
    let record = machine.record().output(&new).output(&old);
    let record = record.env("SUDO_UID", "65534").env("SUDO_GID", "65533");
    record
        .options("--as-root")
        .shell("true")
        .run()
        .exits_with(0);
    let owner = |path: &Path| {
        let metadata = fs::metadata(path).expect("it is there");
        (metadata.uid(), metadata.gid())
    };
    assert_eq!(owner(&new), (65534, 65533));
    assert_eq!(owner(&old), (0, 0));
}

/// Check that a profiler that is killed leaves what it had written, which says where it ends.
#[test]
fn killed_profiler_leaves_a_recording() {
    let machine = Machine::take();
    let path = machine.path("killed.somno");
    let target = machine.fixture("named").start(&["busy", "60"]);
    let somno = machine.record().output(&path).process(&target).start();
    let long_enough = |path: &Path| fs::metadata(path).is_ok_and(|found| found.len() > 2000);
    until("something is written", PATIENCE, || long_enough(&path));
    somno.signal(Signal::KILL);
    drop(somno);
    let recording = read(&path);
    let length = fs::metadata(&path).expect("it is there").len();
    let cut = recording.cut.expect("it is not whole");
    assert!(cut.offset <= length);
    assert!(recording.tally.samples() > 100, "{:?}", recording.tally);
    assert!(recording.totals.duration > Duration::from_millis(500));
}

/// Check that whenever a profiler is killed, what it leaves can be read and has all but the
/// last second: fifty times, ten at once.
#[test]
fn kills_lose_a_second_at_most() {
    let machine = Machine::take();
    let target = machine.fixture("named").start(&["busy", "300"]);
    for wave in 0..5 {
        let running: Vec<_> = (0..10)
            .map(|place| {
                let number = wave * 10 + place;
                let path = machine.path(&format!("{number}.somno"));
                let record = machine.record().options("-F 99").output(&path);
                (number, path, record.process(&target).start())
            })
            .collect();
        let has_header = |path: &Path| fs::metadata(path).is_ok_and(|found| found.len() > 0);
        until("all of them record", PATIENCE, || {
            running.iter().all(|(_, path, _)| has_header(path))
        });
        for (number, path, somno) in running {
            // from 0.03 to 2.5 s after the last one began
            sleep(Duration::from_millis(30 + number * 23 % 250));
            somno.signal(Signal::KILL);
            let killed = clock_gettime(ClockId::Monotonic);
            drop(somno);
            let recording = read(&path);
            assert!(recording.cut.is_some(), "{number} was whole already");
            let killed = Duration::new(
                killed.tv_sec.cast_unsigned(),
                killed.tv_nsec.try_into().expect("it is below a second"),
            );
            let rows = recording.profile.rows().iter();
            let began = recording.header.began;
            let newest = rows.map(|row| row.time).max().unwrap_or(began);
            let lost = killed.saturating_sub(Duration::from_nanos(newest.0));
            let most = Duration::from_secs(1) * slowness();
            assert!(lost <= most, "{number} lost {lost:?}");
        }
    }
}

/// A file system with little room, as long as this lives.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(machine: &Machine) -> Self {
        let at = machine.path("small");
        fs::create_dir(&at).expect("it is ours");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
            .arg(&at)
            .status();
        assert!(status.expect("mount is there").success());
        Self(at)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Check that segments can be read each by itself, follow each other, and have together what
/// was sampled, with names; and that of another run only the last ones are kept.
#[test]
fn segments_have_everything() {
    let machine = Machine::take();
    let room = machine.path("room");
    fs::create_dir(&room).expect("it is ours");
    let target = machine.fixture("named").start(&["busy", "60"]);
    let run = |rotation: &str| {
        let stats = room.join("stats.json");
        let output = command()
            .args(["record", "--rotate", rotation, "-d", "4.5", "-F", "499"])
            .arg("--output")
            .arg(room.join("long.somno"))
            .arg("--stats")
            .arg(&stats)
            .args(["--pid", &target.pid().to_string()])
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{output:?}");
        let mut paths: Vec<_> = fs::read_dir(&room)
            .expect("it is there")
            .map(|entry| entry.expect("it can be read").path())
            .filter(|path| path.extension().is_some_and(|it| it == "somno"))
            .collect();
        paths.sort();
        let segments: Vec<_> = paths.iter().map(|path| read(path)).collect();
        let stats = fs::read_to_string(&stats).expect("it was written");
        (Stats::parse(&stats), segments)
    };

    let (stats, segments) = run("1s");
    assert!(segments.len() >= 3, "{} segments", segments.len());
    let mut before = Timestamp(0);
    let mut samples = 0;
    for segment in &segments {
        assert_eq!(segment.cut, None);
        assert!(segment.header.began > before);
        before = segment.header.began;
        samples += segment.tally.samples();
        let complete = segment.tally.outcome(Outcome::Complete);
        assert_eq!(complete, segment.tally.samples(), "{:?}", segment.tally);
        let named = lines(segment);
        assert!(named.contains("main;spin"), "{named}");
        assert!(segment.totals.duration < Duration::from_secs(4));
    }
    assert_eq!(samples, stats.count("samples"));

    let earlier = segments.len();
    let (_, segments) = run("1s:2");
    assert_eq!(segments.len(), 2, "of {earlier} before");
    assert!(segments[0].header.began > before);
}

/// Check that a disk that fills up ends the recording and not the command, and that what was
/// written can be read.
#[test]
fn full_disk_leaves_a_recording() {
    let machine = Machine::take();
    let disk = SmallDisk::mount(&machine);
    let path = disk.0.join("full.somno");
    let record = machine.record().options("-F 9999").output(&path);
    // some 50 KB are written at a time, and 100 KB a second
    let script = "import re, time
while time.process_time() < 4: re.sub('[0-9]', 'x', str(time.process_time()))
print('done')";
    let done = record
        .program("/usr/bin/python3", &["-c", script])
        .run()
        .exits_with(1);
    assert_eq!(done.stdout(), "done\n");
    assert!(done.stderr().contains("No space left"), "{}", done.stderr());
    let recording = read(&path);
    assert!(recording.cut.is_some());
    assert!(recording.tally.samples() > 100, "{:?}", recording.tally);
}

/// Check that a disk that fills up in a later segment leaves those before it whole.
#[test]
fn full_disk_leaves_earlier_segments() {
    let machine = Machine::take();
    let disk = SmallDisk::mount(&machine);
    let chain = machine.fixture("chain").start::<&str>(&[]);
    let first = disk.0.join("full.000001.somno");
    let said = machine.path("said");
    let mut record = command();
    record.args(["record", "-F", "99", "--rotate", "1s", "-d", "60s", "-o"]);
    record.arg(disk.0.join("full.somno"));
    record.args(["-p", &chain.pid().to_string()]);
    record.stderr(File::create(&said).expect("the test's own directory is writable"));
    let mut somno = Process::spawn(&mut record);
    until("a segment is whole", PATIENCE, || {
        fs::exists(disk.0.join("full.000003.somno")).unwrap_or(false)
    });
    // others fill it
    let mut other = File::create(disk.0.join("other")).expect("the disk is ours");
    while other.write_all(&[0; 1024]).is_ok() {}
    let status = somno.wait();
    let said = fs::read_to_string(said).expect("it was just made");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("No space left"), "{said}");
    let recording = read(&first);
    assert!(recording.cut.is_none());
    assert!(recording.tally.samples() > 20, "{:?}", recording.tally);
}

/// Check that whoever reads a recording that was made without names finds them, in all forms.
#[test]
fn names_are_found_later() {
    let machine = Machine::take();
    let path = machine.path("bare.somno");
    let chain = machine.fixture("chain");
    let record = machine.record().options("--no-symbols").output(&path);
    record.fixture(&chain, "0.5").run().exits_with(0);
    assert_eq!(read(&path).names.named(), 0);
    for arguments in [
        &["report"][..],
        &["export", "-o", "-", "--format", "folded"],
    ] {
        let output = command().args(arguments).arg(&path).output();
        let output = output.expect("somno runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("spin"), "{text}");
    }
}

/// Check that a recording without names takes little room: a bound of the design, which is
/// bytes and not time.
#[test]
fn samples_take_little_room() {
    let machine = Machine::take();
    let path = machine.path("small.somno");
    let script = "
import json, random, re, time
end = time.process_time() + 6
while time.process_time() < end:
    text = json.dumps({str(i): [random.random() for _ in range(20)] for i in range(50)})
    json.loads(text)
    sorted(re.findall(r'([0-9]+)', text))";
    let record = machine.record().options("--no-symbols").output(&path);
    record
        .program("/usr/bin/python3", &["-c", script])
        .run()
        .exits_with(0);
    let recording = read(&path);
    assert_eq!(recording.names.named(), 0);
    let bytes = fs::metadata(&path).expect("it is there").len();
    let samples = recording.tally.samples();
    assert!(samples > 2000, "{samples} samples");
    assert!(bytes <= 24 * samples, "{bytes} bytes for {samples} samples");
}
