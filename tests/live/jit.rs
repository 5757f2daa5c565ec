//! Code that is made at run time, and what its process says about it.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::process::Signal;

use crate::folded::{Folded, Line};
use crate::machine::Machine;
use crate::process::{PATIENCE, Process, until};
use crate::somno::Recording;
use crate::stats::Stats;

const STACK: &str = "main;run;made_at_run_time_[j]";
const NOBODY: u32 = 65534;

/// A process's map; it is removed when it is dropped.
pub(crate) struct Map(PathBuf);

impl Map {
    fn of(pid: u32) -> Self {
        Self(PathBuf::from(format!("/tmp/perf-{pid}.map")))
    }

    /// That of the process that wrote its pid as its last line.
    #[track_caller]
    pub(crate) fn of_writer(recording: &Recording) -> Self {
        let output = recording.stdout();
        let pid = output.lines().last().and_then(|line| line.parse().ok());
        Self::of(pid.unwrap_or_else(|| panic!("no pid: {output:?}")))
    }

    /// Those of the processes that wrote their pids.
    fn of_writers(recording: &Recording) -> Vec<Self> {
        let output = recording.stdout();
        let pids = output.lines().filter_map(|line| line.parse().ok());
        pids.map(Self::of).collect()
    }

    /// Writes a name for all of memory, as somebody else.
    fn lie(&self) -> File {
        fs::write(&self.0, "0 7fffffffffff a_lie\n").expect("/tmp is writable");
        File::options()
            .write(true)
            .open(&self.0)
            .expect("it was just written")
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // It may be that nobody wrote it, or made a directory of it.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir(&self.0);
    }
}

fn has_frame(line: &Line, name: &str) -> bool {
    line.user_frames()
        .any(|frame| frame.contains(name) && frame.ends_with("_[j]"))
}

/// Check that a map that was written at the very end gives names, of a process that is
/// gone when they are looked up.
#[test]
fn map_written_late_is_found() {
    let machine = Machine::take();
    let maker = machine.fixture("maker");
    let recording = machine.record().fixture(&maker, "0.5").run();
    let _map = Map::of_writer(&recording);
    let (folded, stats) = recording.adds_up();
    folded
        .of("maker")
        .expect_share(0.9.., |line| line.has(STACK));
    assert_eq!(stats.sum("frames.unnamed_by"), 0);
}

/// Check that processes of some milliseconds have names, though most are gone, and their
/// parent knows, before anything is known about them.
#[test]
fn maps_of_short_lived_processes_are_found() {
    let machine = Machine::take();
    let script = format!(
        "for i in $(seq 40); do {} 0.005; done",
        machine.fixture("maker").path()
    );
    let recording = machine.record().options("-F 4999").shell(&script).run();
    let maps = Map::of_writers(&recording);
    assert_eq!(maps.len(), 40);
    let (folded, _) = recording.adds_up();
    folded
        .only(|line| line.has("main;run"))
        .expect_share(0.95.., |line| line.has(STACK));
}

/// Check that a process with a `/tmp` and a pid of its own has names, though nobody can
/// reach that `/tmp` any more.
#[test]
fn map_in_other_namespaces_is_found() {
    let machine = Machine::take();
    let script = format!(
        "mount -t tmpfs none /mnt && cp {} /mnt && mount -t tmpfs none /tmp && exec /mnt/maker 0.5",
        machine.fixture("maker").path()
    );
    let unshare = ["--mount", "--pid", "--fork", "sh", "-c", &script];
    let recording = machine.record().program("unshare", &unshare).run();
    assert_eq!(recording.stdout(), "1\n", "it has a pid of its own");
    let (folded, _) = recording.adds_up();
    folded
        .of("maker")
        .expect_share(0.9.., |line| line.has(STACK));
}

/// Runs the fixture, does something about its map, and samples it.
fn record_with_map(prepare: impl Fn(&Map)) -> (Folded, Stats) {
    let machine = Machine::take();
    let process = machine.fixture("maker").start::<&str>(&[]);
    let map = Map::of(process.pid());
    prepare(&map);
    let record = machine.record().options("-d 0.5s").process(&process);
    record.run().adds_up()
}

/// Panics if a map was believed.
fn expect_refusal(prepare: impl Fn(&Map)) {
    let (folded, stats) = record_with_map(prepare);
    folded.expect_share(0.9.., |line| {
        line.has("main;run") && has_frame(line, "[anon+0x")
    });
    assert!(stats.count("frames.unnamed_by.jit_map_refused") > 0);
}

/// Check that code without a map is shown by its address.
#[test]
fn code_without_a_map_has_its_address() {
    let (folded, stats) = record_with_map(|_| {});
    folded.expect_share(0.9.., |line| {
        line.has("main;run") && has_frame(line, "[anon+0x")
    });
    assert!(stats.count("frames.unnamed_by.no_jit_map") > 0);
}

/// Check that a map without a line for the code gives it no name.
#[test]
fn code_not_in_the_map_has_its_address() {
    let (folded, stats) = record_with_map(|map| {
        fs::write(&map.0, "1000 10 other\nnot a line\n").expect("/tmp is writable");
    });
    folded.expect_share(0.9.., |line| has_frame(line, "[anon+0x"));
    assert!(stats.count("frames.unnamed_by.not_in_jit_map") > 0);
}

/// Check that a map that is there while the process runs is believed.
#[test]
fn map_of_a_running_process_is_read() {
    let (folded, _) = record_with_map(|map| {
        map.lie();
    });
    folded.expect_share(0.9.., |line| line.has("main;run;a_lie_[j]"));
}

/// Check that the map of a process that had the pid before is not believed.
#[test]
fn map_older_than_its_process_is_refused() {
    expect_refusal(|map| {
        let before = SystemTime::now() - Duration::from_secs(60);
        map.lie().set_modified(before).expect("it is ours");
    });
}

/// Check that a map that another user wrote is not believed.
#[test]
fn map_of_another_user_is_refused() {
    expect_refusal(|map| {
        map.lie();
        chown(&map.0, Some(NOBODY), None).expect("tests are root");
    });
}

/// Check that a FIFO in a map's place is neither waited for nor read.
#[test]
fn fifo_is_refused() {
    expect_refusal(|map| {
        mknodat(CWD, &map.0, FileType::Fifo, Mode::RWXU, 0).expect("/tmp is writable");
    });
}

/// Check that neither a device nor a directory in a map's place is read.
#[test]
fn what_is_no_file_is_refused() {
    expect_refusal(|map| {
        let zero = makedev(1, 5);
        mknodat(CWD, &map.0, FileType::CharacterDevice, Mode::RWXU, zero).expect("tests are root");
    });
    expect_refusal(|map| {
        symlink("/dev/zero", &map.0).expect("/tmp is writable");
    });
    expect_refusal(|map| {
        fs::create_dir(&map.0).expect("/tmp is writable");
    });
}

/// Check that of a map that has no end the front is read, and one that is written anew all the
/// time has one name or the other.
#[test]
fn maps_that_do_not_end_are_read() {
    let (folded, _) = record_with_map(|map| {
        map.lie().set_len(1 << 40).expect("there are sparse files");
    });
    folded.expect_share(0.9.., |line| line.has("main;run;a_lie_[j]"));

    let done = AtomicBool::new(false);
    let done = &done;
    let (folded, _) = thread::scope(|scope| {
        let recorded = record_with_map(|map| {
            let path = map.0.clone();
            let mut file = map.lie();
            scope.spawn(move || {
                let lies = ["0 7fffffffffff a_lie\n", "0 7fffffffffff another\n"];
                for lie in lies.iter().cycle() {
                    let written = file.set_len(0).and_then(|()| file.rewind());
                    let written = written.and_then(|()| file.write_all(lie.as_bytes()));
                    if done.load(Ordering::Relaxed) || written.is_err() || !path.exists() {
                        return;
                    }
                }
            });
        });
        done.store(true, Ordering::Relaxed);
        recorded
    });
    folded.expect_share(0.9.., |line| {
        ["a_lie_[j]", "another_[j]", "[anon+0x"]
            .iter()
            .any(|name| line.frames.iter().any(|frame| frame.starts_with(name)))
    });
}

/// Check that a link in a map's place is not followed.
#[test]
fn link_is_refused() {
    expect_refusal(|map| {
        symlink("/proc/self/maps", &map.0).expect("/tmp is writable");
    });
}

/// How nice the threads of this name are.
fn niceness(pid: u32, name: &str) -> Vec<i64> {
    let name = format!("({name}");
    let nice = |task: PathBuf| {
        let stat = fs::read_to_string(task.join("stat")).ok()?;
        let (front, fields) = stat.rsplit_once(')')?;
        let nice = fields.split_whitespace().nth(16)?.parse().ok()?;
        front.ends_with(&name).then_some(nice)
    };
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten();
    tasks.filter_map(|task| nice(task.ok()?.path())).collect()
}

/// Check that whoever samples has precedence over others, and so has whoever finds files, the
/// program's as well as its map, which may be gone in a moment.
#[test]
fn finding_files_has_precedence() {
    let machine = Machine::take();
    let maker = machine.fixture("maker").start::<&str>(&[]);
    let running = machine.record().process(&maker).start();
    until("both look for files", PATIENCE, || {
        niceness(running.pid(), "somno-files") == [-20, -20]
    });
    assert_eq!(niceness(running.pid(), "somno"), [-20]);
    running.signal(Signal::INT);
    running.wait().adds_up();
}

const SCRIPT: &str = "
function hot(n) { return n < 2 ? n : hot(n - 1) + hot(n - 2) }
const end = Date.now() + 1000 * Number(process.argv[1]);
while (Date.now() < end)
	hot(20);
console.log(process.pid);
";

/// Check that node's JavaScript functions have names, by either of the files that it
/// writes, when it is gone.
#[test]
fn node_has_names() {
    let machine = Machine::take();
    let directory = machine.path("node");
    fs::create_dir(&directory).expect("the test's own directory is writable");
    for option in ["--perf-basic-prof", "--perf-prof"] {
        // it writes other files too, where it is
        let script = format!(
            "cd {} && exec node {option} -e '{SCRIPT}' 1",
            directory.display()
        );
        let recording = machine.record().shell(&script).run();
        let _map = Map::of_writer(&recording);
        let (folded, _) = recording.adds_up();
        folded
            .of("node")
            .expect_share(0.7.., |line| has_frame(line, "hot "));
    }
}

/// Check that the JavaScript functions of a node that goes on have names.
#[test]
fn running_node_has_names() {
    let machine = Machine::take();
    let directory = machine.path("node");
    fs::create_dir(&directory).expect("the test's own directory is writable");
    let process = Process::spawn(
        Command::new("node")
            .args(["--perf-basic-prof", "-e", SCRIPT, "1000"])
            .current_dir(directory)
            .stdout(Stdio::null()),
    );
    let _map = Map::of(process.pid());
    process.use_cpu(Duration::from_millis(500));
    let record = machine.record().options("-d 0.5s").process(&process);
    let (folded, _) = record.run().adds_up();
    folded
        .of("node")
        .expect_share(0.9.., |line| has_frame(line, "hot "));
}

/// Check that Java's methods have names, which it writes when it ends.
#[test]
fn java_has_names() {
    let program = "
public class Hot {
	static int hot(int n) { return n < 2 ? n : hot(n - 1) + hot(n - 2); }
	public static void main(String[] arguments) {
		long end = System.currentTimeMillis() + 2000;
		while (System.currentTimeMillis() < end)
			hot(25);
		System.out.println(ProcessHandle.current().pid());
	}
}
";
    let machine = Machine::take();
    let source = machine.path("Hot.java");
    fs::write(&source, program).expect("the test's own directory is writable");
    let arguments = [
        "-XX:+PreserveFramePointer",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:+DumpPerfMapAtExit",
        source.to_str().expect("the target directory is UTF-8"),
    ];
    let recording = machine.record().program("java", &arguments).run();
    let _map = Map::of_writer(&recording);
    let (folded, stats) = recording.adds_up();
    let ours = folded.only(|line| line.has("ThreadJavaMain;JavaMain") && line.is_user_mode());
    ours.expect_share(0.5.., |line| has_frame(line, "int Hot.hot(int)"));
    ours.expect_share(0.5.., |line| has_frame(line, "Interpreter"));
    stats.expect_no_loss();
}
