//! Runs of the program under test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::Signal;
use rustix::thread::CapabilitySet;
use tempfile::TempDir;

use crate::fixture::Fixture;
use crate::folded::Folded;
use crate::nobody::run_as_nobody;
use crate::process::{PATIENCE, Process, until};
use crate::stats::Stats;

pub(crate) const SOMNO: &str = env!("CARGO_BIN_EXE_somno");

/// somno with whatever arguments, as if nobody had called sudo, nor configured anything.
pub(crate) fn command() -> Command {
    command_at(Path::new(SOMNO))
}

pub(crate) fn command_at(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_remove("SUDO_UID")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// A `somno record` that is being put together. It writes folded stacks and
/// `--stats` where [`Recording`] finds them.
pub(crate) struct Record {
    scratch: TempDir,
    command: Command,
    target: Vec<String>,
    stdout_is_set: bool,
}

impl Record {
    pub(crate) fn new(scratch: TempDir) -> Self {
        let mut command = command();
        command.arg("record");
        command.arg("--output").arg(scratch.path().join(FOLDED));
        command.arg("--stats").arg(scratch.path().join(STATS));
        Self {
            scratch,
            command,
            target: Vec::new(),
            stdout_is_set: false,
        }
    }

    /// Runs somno under another name, by which its threads are known.
    pub(crate) fn under_name(mut self, link: &Path) -> Self {
        symlink(SOMNO, link).expect("the test's own directory is writable");
        let mut command = command_at(link);
        command.args(self.command.get_args());
        self.command = command;
        self
    }

    /// Runs somno where other processes are sampled, but not seen in /proc.
    pub(crate) fn apart(mut self) -> Self {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
        self.run_by(unshare);
        self
    }

    /// Runs somno in a cgroup.
    pub(crate) fn inside(mut self, cgroup: &Path) -> Self {
        let mut shell = Command::new("sh");
        let enter = r#"echo $$ >"$0" && exec "$@""#;
        shell.args(["-c", enter]).arg(cgroup.join("cgroup.procs"));
        self.run_by(shell);
        self
    }

    /// Has another program execute somno, by the arguments behind its own.
    fn run_by(&mut self, mut other: Command) {
        other
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .env_remove("SUDO_UID")
            .stdin(Stdio::null());
        self.command = other;
    }

    /// Runs somno as an ordinary user with these capabilities, who may write to the directory.
    pub(crate) fn by_nobody(mut self, capabilities: CapabilitySet) -> Self {
        let all = fs::Permissions::from_mode(0o777);
        let own = self.scratch.path();
        for directory in [Some(own), own.parent()].into_iter().flatten() {
            fs::set_permissions(directory, all.clone()).expect("it is ours");
        }
        run_as_nobody(&mut self.command, capabilities);
        self
    }

    /// Adds options, separated by blanks.
    pub(crate) fn options(mut self, options: &str) -> Self {
        self.command.args(options.split_whitespace());
        self
    }

    /// Adds one more output.
    pub(crate) fn output(mut self, path: impl AsRef<Path>) -> Self {
        self.command.arg("--output").arg(path.as_ref());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, from: impl Into<Stdio>) -> Self {
        self.command.stdin(from);
        self
    }

    /// Sends standard output elsewhere than to [`Recording::stdout`].
    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self.stdout_is_set = true;
        self
    }

    /// Samples a process.
    pub(crate) fn process(self, process: &Process) -> Self {
        let pid = process.pid();
        self.options(&format!("--pid {pid}"))
    }

    /// Runs a fixture with arguments that are separated by blanks.
    pub(crate) fn fixture(self, fixture: &Fixture, arguments: &str) -> Self {
        let words: Vec<_> = arguments.split_whitespace().collect();
        self.program(fixture.path(), &words)
    }

    /// Runs a shell command.
    pub(crate) fn shell(self, script: &str) -> Self {
        self.program("sh", &["-c", script])
    }

    pub(crate) fn program(mut self, program: &str, arguments: &[&str]) -> Self {
        self.target = std::iter::once("--")
            .chain([program])
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect();
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let create = |name| {
            let path = self.scratch.path().join(name);
            File::create(path).expect("the test's own directory is writable")
        };
        // To files, because somebody has to empty a pipe.
        if !self.stdout_is_set {
            self.command.stdout(create(STDOUT));
        }
        self.command.stderr(create(STDERR)).args(&self.target);
        Running {
            process: Process::spawn(&mut self.command),
            scratch: self.scratch,
        }
    }

    pub(crate) fn run(self) -> Recording {
        self.start().wait()
    }
}

/// A `somno record` at work; it is killed when it is dropped.
pub(crate) struct Running {
    process: Process,
    scratch: TempDir,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until events are open.
    pub(crate) fn wait_for_events(&self) {
        let directory = format!("/proc/{}/fd", self.pid());
        until("somno has opened events", PATIENCE, || {
            fs::read_dir(&directory).is_ok_and(|entries| {
                entries
                    .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
                    .any(|link| link.as_os_str() == OsStr::new("anon_inode:[perf_event]"))
            })
        });
    }

    /// Waits until it samples, and has nothing else to do.
    pub(crate) fn wait_for_sampling(&self) {
        const POLL: [&str; 2] = ["7 ", "271 "];
        let path = format!("/proc/{}/syscall", self.pid());
        self.wait_for_events();
        until("somno waits for samples", PATIENCE, || {
            fs::read_to_string(&path)
                .is_ok_and(|call| POLL.iter().any(|number| call.starts_with(number)))
        });
    }

    /// Waits until it has said this.
    pub(crate) fn wait_for_message(&self, message: &str) {
        until(&format!("somno says {message:?}"), PATIENCE, || {
            read(&self.scratch, STDERR).contains(message)
        });
    }

    pub(crate) fn wait(mut self) -> Recording {
        Recording {
            status: self.process.wait(),
            scratch: self.scratch,
        }
    }
}

/// What came of a `somno record`.
pub(crate) struct Recording {
    status: ExitStatus,
    scratch: TempDir,
}

impl Recording {
    /// Panics unless the exit status is this one.
    #[track_caller]
    pub(crate) fn exits_with(self, status: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(status),
            "the exit status, with\n{}",
            self.stderr()
        );
        self
    }

    /// Panics unless it succeeded and every sample is accounted for.
    #[track_caller]
    pub(crate) fn adds_up(self) -> (Folded, Stats) {
        let done = self.exits_with(0);
        let (folded, stats) = (done.folded(), done.stats());
        stats.expect_sums();
        assert_eq!(
            folded.count(),
            stats.count("samples"),
            "folded stacks and --stats differ"
        );
        (folded, stats)
    }

    pub(crate) fn folded_text(&self) -> String {
        read(&self.scratch, FOLDED)
    }

    pub(crate) fn folded(&self) -> Folded {
        Folded::parse(&self.folded_text())
    }

    /// Whether folded stacks were written, if only an empty file.
    pub(crate) fn has_folded(&self) -> bool {
        self.scratch.path().join(FOLDED).exists()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats::parse(&read(&self.scratch, STATS))
    }

    pub(crate) fn stdout(&self) -> String {
        read(&self.scratch, STDOUT)
    }

    pub(crate) fn stderr(&self) -> String {
        read(&self.scratch, STDERR)
    }
}

const FOLDED: &str = "profile.folded";
const STATS: &str = "stats.json";
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

#[track_caller]
fn read(scratch: &TempDir, name: &str) -> String {
    fs::read_to_string(scratch.path().join(name))
        .unwrap_or_else(|error| panic!("failed to read somno's {name}: {error}"))
}
