//! Processes that end with their test.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A child that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts one; its standard output goes where the command says.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        Self { child }
    }

    /// Starts one whose standard output the test reads.
    pub(crate) fn spawn_read(command: &mut Command) -> (Self, ChildStdout) {
        let mut process = Self::spawn(command.stdout(Stdio::piped()));
        let stdout = process.child.stdout.take().expect("it was asked for");
        (process, stdout)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a child has a pid");
        kill_process(pid, signal).expect("a child that was not waited for can be signalled");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let what = format!("process {} ends", self.pid());
        until(&what, PATIENCE, || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// CPU time that all of its threads have used.
    pub(crate) fn cpu_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(&path).expect("a child that was not waited for is in /proc");
        let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().expect("it is a number"))
            .sum();
        Duration::from_secs(ticks) / 100
    }

    /// Waits until it has used more CPU time; an emulated one as much more as it takes to be
    /// sampled as often.
    pub(crate) fn use_cpu(&self, time: Duration) {
        let goal = self.cpu_time() + time * slowness();
        let what = format!("process {} uses the CPU", self.pid());
        until(&what, PATIENCE, || self.cpu_time() >= goal);
    }

    /// Waits until it has executed the program of this name.
    pub(crate) fn wait_for_comm(&self, name: &OsStr) {
        let path = format!("/proc/{}/comm", self.pid());
        let what = format!("process {} becomes {}", self.pid(), name.display());
        until(&what, PATIENCE, || {
            fs::read(&path).is_ok_and(|comm| comm.trim_ascii_end() == name.as_bytes())
        });
    }

    /// Waits until its first thread is in a state, by the letter that /proc has for it.
    pub(crate) fn wait_for_state(&self, state: char) {
        let path = format!("/proc/{}/stat", self.pid());
        let what = format!("process {} is in state {state}", self.pid());
        let state = format!(") {state} ");
        until(&what, PATIENCE, || {
            fs::read_to_string(&path).is_ok_and(|stat| stat.contains(&state))
        });
    }

    /// Waits for a thread of this name.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let mut found = None;
        let what = format!("process {} has a thread {name}", self.pid());
        until(&what, PATIENCE, || {
            found = thread_named(self.pid(), name);
            found.is_some()
        });
        found.expect("it was found")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; and one that the kernel holds, as a test that failed may leave it, ends
        // when what holds it does.
        let _ = self.child.kill();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn thread_named(pid: u32, name: &str) -> Option<u32> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .find(|tid| {
            fs::read_to_string(format!("/proc/{pid}/task/{tid}/comm"))
                .is_ok_and(|comm| comm.trim_end() == name)
        })
}

/// How many times slower this machine is than one that is not emulated.
pub(crate) fn slowness() -> u32 {
    let slowness = env::var("SOMNO_SLOWNESS").unwrap_or_else(|_| "1".into());
    slowness.parse().expect("SOMNO_SLOWNESS is a number")
}

/// Waits for a postcondition; panics when it does not come.
#[track_caller]
pub(crate) fn until(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let patience = patience * slowness();
    let end = Instant::now() + patience;
    while !holds() {
        assert!(
            Instant::now() < end,
            "waited {patience:?} in vain until {what}"
        );
        thread::sleep(Duration::from_millis(2));
    }
}
