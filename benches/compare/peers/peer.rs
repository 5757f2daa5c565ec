//! What a profiler must say of itself to be compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::first_frame::FirstFrames;
use super::launch::{Run, Start};
use super::layout::Layout;

/// A profiler in one of its modes.
pub(super) trait Peer {
    /// As a row is called.
    fn name(&self) -> &'static str;

    /// Its version, or why it is not here.
    fn version(&self) -> Result<String, String>;

    /// Samples a second that it can be asked for.
    fn highest_rate(&self) -> u32 {
        u32::MAX
    }

    /// What starts it, without the workload.
    fn command(&self, rate: u32, room: &Path) -> Command;

    /// How it comes by the workload.
    fn start(&self) -> Start {
        Start::Words
    }

    /// What it wrote.
    fn recording(&self, room: &Path) -> PathBuf;

    /// How many samples of the workload there are, and how many it says that it lost.
    fn counts(&self, run: &Run, room: &Path, layout: &Layout) -> Counts;

    /// Looks at every stack of the workload.
    fn stacks(&self, run: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks;

    /// How to get a flame graph, if it has one.
    fn graph(&self, rate: u32, room: &Path) -> Graph;
}

/// How a flame graph is made.
pub(super) enum Graph {
    /// By another run that writes it.
    Run(Command),
    /// From the recording.
    Convert(fn(&Path)),
    /// In a browser only.
    None,
}

pub(super) struct Counts {
    pub(super) samples: u64,
    /// None where it says nothing of it.
    pub(super) lost: Option<u64>,
}

/// The stacks of a workload.
#[derive(Default)]
pub(super) struct Stacks {
    pub(super) samples: u64,
    pub(super) complete: u64,
    /// When the first was taken, after the profiler was started; None where it keeps no times.
    pub(super) first_ms: Option<f64>,
}

impl Stacks {
    /// Adds samples with one stack.
    pub(super) fn add(&mut self, count: u64, is_complete: bool) {
        self.samples += count;
        self.complete += if is_complete { count } else { 0 };
    }

    /// The first of what was seen so far and this.
    pub(super) fn see(&mut self, ms: f64) {
        self.first_ms = Some(self.first_ms.map_or(ms, |first| first.min(ms)));
    }
}

/// Says whether the outermost user frame of a stack is a thread's first.
pub(super) struct Judge<'a> {
    pub(super) layout: &'a Layout,
    pub(super) firsts: &'a mut FirstFrames,
}

impl Judge<'_> {
    /// By addresses in a thread of that name, outermost first.
    pub(super) fn addresses(
        &mut self,
        thread: &str,
        mut addresses: impl Iterator<Item = u64>,
    ) -> bool {
        let layout = self.layout;
        self.place(addresses.find_map(|address| layout.place(thread, address)))
    }

    /// By a file and the offset in it.
    pub(super) fn place(&mut self, outermost: Option<(&Path, u64)>) -> bool {
        outermost.is_some_and(|(path, offset)| self.firsts.has_offset(path, offset))
    }
}

/// The first line that a program prints when it is asked for its version, or why it does not.
pub(super) fn version(program: impl AsRef<std::ffi::OsStr>) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(if output.stdout.is_empty() {
        &output.stderr
    } else {
        &output.stdout
    });
    let line = text.lines().next().unwrap_or_default().to_owned();
    if output.status.success() {
        Ok(line)
    } else {
        Err(line)
    }
}
