//! `perf record`, by frame pointers and by copies of the stack.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use inferno::collapse::Collapse as _;
use inferno::collapse::perf::{Folder, Options};

use super::launch::Run;
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};
use super::script;

/// With its way to find callers: `fp` or `dwarf`.
pub(super) struct Perf {
    pub(super) name: &'static str,
    pub(super) callers: &'static str,
}

impl Peer for Perf {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> Result<String, String> {
        version("perf")
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        let mut command = Command::new("perf");
        command
            .args([
                "record",
                "-q",
                "-e",
                "cpu-clock",
                "-k",
                "CLOCK_MONOTONIC",
                "-F",
            ])
            .arg(rate.to_string())
            .args(["--call-graph", self.callers, "-o"])
            .arg(self.recording(room))
            .arg("--");
        command
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join(format!("{}.data", self.callers))
    }

    fn counts(&self, _: &Run, room: &Path, layout: &Layout) -> Counts {
        let (mut samples, mut lost) = (0, 0);
        let count = |sample: &script::Sample| samples += u64::from(layout.has(&sample.thread));
        read(
            &self.recording(room),
            "comm,tid,time,event",
            count,
            |line| {
                let number = line.rsplit_once(" lost ").map(|(_, number)| number.trim());
                lost += number
                    .and_then(|number| number.parse::<u64>().ok())
                    .unwrap_or(0);
            },
        );
        Counts {
            samples,
            lost: Some(lost),
        }
    }

    fn stacks(&self, run: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let mut stacks = Stacks::default();
        let look = |sample: &script::Sample| script::judge(sample, run, judge, &mut stacks);
        read(&self.recording(room), "comm,tid,time,ip,dso", look, |_| ());
        stacks
    }

    fn graph(&self, _: u32, _: &Path) -> Graph {
        Graph::Convert(graph)
    }
}

/// `perf script`, folded and drawn as `inferno-collapse-perf` and `inferno-flamegraph` do.
fn graph(data: &Path) {
    let script = Command::new("perf")
        .args(["script", "-i"])
        .arg(data)
        .stderr(Stdio::null())
        .output()
        .expect("perf runs");
    let mut folded = Vec::new();
    Folder::from(Options::default())
        .collapse(&*script.stdout, &mut folded)
        .expect("it is perf's");
    super::draw(&folded, data);
}

fn read(data: &Path, fields: &str, sample: impl FnMut(&script::Sample), other: impl FnMut(&str)) {
    let mut script = Command::new("perf")
        // what is inlined has no addresses of its own, and takes long to look up
        .arg("script")
        .args(["--no-inline", "--ns", "--show-lost-events", "-F", fields])
        .arg("-i")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("perf runs");
    let output = script.stdout.take().expect("it is a pipe");
    script::read(BufReader::new(output), sample, other);
    script.wait().expect("it is a child");
}
