//! Cgroups as targets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::labels::{contents, exported};
use crate::machine::Machine;
use crate::process::{PATIENCE, Process, until};

/// A cgroup that goes with its test, with what runs there.
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes one in the hierarchy that perf knows: version 2 on any machine that tests run on.
    fn new(name: &str) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("it is readable");
        let root = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let place = fields.next()?;
            (fields.next()? == "cgroup2").then_some(place)
        });
        let root = Path::new(root.expect("these tests need cgroups of version 2"));
        Self::at(root.join(format!("{name}-{}", std::process::id())))
    }

    /// Makes one below.
    fn child(&self, name: &str) -> Self {
        Self::at(self.path.join(name))
    }

    pub(crate) fn at(path: PathBuf) -> Self {
        fs::create_dir(&path).expect("root may make a cgroup");
        Self { path }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("it is text")
    }

    fn take(&self, process: &Process) {
        let procs = self.path.join("cgroup.procs");
        fs::write(procs, process.pid().to_string()).expect("a process can be moved");
    }

    /// Removes it, as soon as what ran there is gone.
    fn remove(&self) {
        let what = format!("{} can be removed", self.path());
        until(&what, PATIENCE, || fs::remove_dir(&self.path).is_ok());
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // whatever runs there may still be ending
        for _ in 0..100 {
            if !self.path.exists() || fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Check that what runs in a cgroup is sampled, and below it, and nothing else.
#[test]
fn cgroups_are_sampled() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let cgroup = Cgroup::new("somno-live");
    let below = cgroup.child("below");
    let [inside, deeper, outside] =
        ["inside", "deeper", "outside"].map(|name| named.start(&[name]));
    cgroup.take(&inside);
    below.take(&deeper);
    let own = Path::new(cgroup.path()).file_name().expect("it has one");
    let own = own.to_str().expect("it is text");
    let forms = [cgroup.path().to_owned(), format!("/{own}"), own.to_owned()];
    for (form, options) in forms
        .iter()
        .zip(["-d 0.5s", "-d 0.5s -e task-clock", "-d 0.5s"])
    {
        let options = format!("{options} --cgroup {form}");
        let (folded, stats) = machine.record().options(&options).run().adds_up();
        assert_eq!(folded.of("outside").count(), 0, "{form}");
        for comm in ["inside", "deeper"] {
            let samples = folded.of(comm);
            assert!(samples.count() > 5, "{form}: {comm} in\n{folded}");
            samples.expect_share(0.95.., |line| line.has("main;spin"));
        }
        stats.expect_no_loss();
    }
    drop((inside, deeper, outside));
}

/// Check that intervals off the CPU are those of the cgroup, too.
#[test]
fn waits_in_a_cgroup_are_sampled() {
    let machine = Machine::take();
    let writer = machine.fixture("writer");
    let cgroup = Cgroup::new("somno-waits");
    let (inside, outside) = (writer.start::<&str>(&[]), writer.start::<&str>(&[]));
    cgroup.take(&inside);
    let options = format!("-d 0.5s --off-cpu --cgroup {}", cgroup.path());
    let output = machine.path("waits.json");
    let record = machine.record().options(&options).output(&output);
    let folded = record.run().exits_with(0).folded();
    assert!(folded.count() > 0, "it waits");
    let report = fs::read_to_string(&output).expect("it was written");
    assert!(
        report.contains(&format!("\"pid\": {}", inside.pid())),
        "{report}"
    );
    assert!(
        !report.contains(&format!("\"pid\": {}", outside.pid())),
        "{report}"
    );
    drop((inside, outside));
}

/// Check that samples have the cgroup that their thread was in, though it is gone when they are
/// looked at; and that what is recorded of processes are neither their arguments nor their
/// environments.
#[test]
fn samples_are_labelled() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let (one, two) = (Cgroup::new("somno-one"), Cgroup::new("somno-two"));
    let mut command = Command::new(named.path());
    command.env("SOMNO_SECRET", "of-the-environment");
    let mover = Process::spawn(command.args(["mover", "3600", "of-the-arguments"]));
    mover.wait_for_comm("mover".as_ref());
    one.take(&mover);
    let (recording, pprof) = (machine.path("labels.somno"), machine.path("labels.pb.gz"));
    let record = machine
        .record()
        .process(&mover)
        .output(&recording)
        .output(&pprof);
    let running = record.start();
    running.wait_for_sampling();
    mover.use_cpu(Duration::from_millis(200));
    two.take(&mover);
    mover.use_cpu(Duration::from_millis(400));
    drop(mover);
    let (folded, _) = running.wait().adds_up();
    one.remove();
    two.remove();
    let of = |pattern: &str| exported(&recording, &["--cgroup", pattern]).count();
    let (of_one, of_two) = (of("^/somno-one-[0-9]+$"), of("^/somno-two-[0-9]+$"));
    assert!(of_one > 50 && of_two > of_one, "{of_one} and {of_two}");
    assert_eq!(of_one + of_two, folded.count());

    for text in contents(&recording, &pprof) {
        assert!(text.contains("/somno-two-"), "{text}");
        assert!(!text.contains("of-the-"), "{text}");
    }
}

/// Check that what enters a cgroup later is sampled, in one that is made later too, and that
/// sampling ends when the cgroup is removed.
#[test]
fn cgroups_may_change() {
    let machine = Machine::take();
    let named = machine.fixture("named");
    let cgroup = Cgroup::new("somno-change");
    let options = format!("--cgroup {}", cgroup.path());
    let running = machine.record().options(&options).start();
    running.wait_for_sampling();
    let below = cgroup.child("later");
    let later = named.start(&["later"]);
    below.take(&later);
    later.use_cpu(Duration::from_millis(200));
    drop(later);
    below.remove();
    cgroup.remove();
    let (folded, _) = running.wait().adds_up();
    folded.expect_all(|line| line.comm == "later" || line.comm == "named");
    assert!(folded.of("later").count() > 20, "{folded}");
}

/// Check that a container is found by the beginning of its id, if there is one.
#[test]
fn containers_are_sampled() {
    let machine = Machine::take();
    let cgroup = Cgroup::new("somno-engine");
    let id = "c0ffee5a9f10b2d3c4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f708192a3b4";
    let container = cgroup.child(&format!("docker-{id}.scope"));
    let inside = machine.fixture("named").start(&["inside"]);
    container.take(&inside);
    let options = "-d 0.3s --cgroup c0ffee5a9f";
    let (folded, _) = machine.record().options(options).run().adds_up();
    assert!(folded.of("inside").count() > 10, "{folded}");
    drop(inside);
    container.remove();
    let absent = machine.record().options(options).run().exits_with(1);
    let message = absent.stderr();
    assert!(
        message.contains("`c0ffee5a9f`: it does not exist"),
        "{message}"
    );
}

/// Check that a directory that is no cgroup of perf's is refused, with the way to one.
#[test]
fn other_directories_are_refused() {
    let machine = Machine::take();
    let options = "-d 0.3s --cgroup /proc/self";
    let refused = machine.record().options(options).run().exits_with(1);
    let message = refused.stderr();
    assert!(message.contains("not in the hierarchy"), "{message}");
    assert!(message.contains("/sys/fs/cgroup"), "{message}");
}
