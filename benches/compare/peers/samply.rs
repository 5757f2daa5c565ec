//! `samply record`, which copies stacks and unwinds them at once. Its file is for the Firefox
//! Profiler, and so is its flame graph.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::bufread::GzDecoder;
use serde_json::Value;

use super::launch::Run;
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};
use crate::measure::number;

/// Where there is no PMU, it gives up if this file says more than 1, even as root, to whom the
/// setting does not apply. So it is shown another file; the machine's setting stays.
const SETTING: &str = "/proc/sys/kernel/perf_event_paranoid";
const SHOW: &str = r#"echo 1 >"$0" && mount --bind "$0" "$1" && shift && exec "$@""#;

/// Where `make setup-bench` installs it.
const HERE: &str = "target/peers/bin/samply";

pub(super) struct Samply;

impl Peer for Samply {
    fn name(&self) -> &'static str {
        "samply"
    }

    fn version(&self) -> Result<String, String> {
        version(HERE)
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", SHOW])
            .arg(room.join("one"))
            .args([SETTING, HERE, "record", "--save-only", "--rate"])
            .arg(rate.to_string())
            .arg("--output")
            .arg(self.recording(room))
            .arg("--");
        command
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join("samply.json.gz")
    }

    fn counts(&self, run: &Run, room: &Path, layout: &Layout) -> Counts {
        let profile = read(&self.recording(room));
        let samples = threads(&profile, layout)
            .map(|(_, thread)| samples(thread).count() as u64)
            .sum();
        let said = run
            .said
            .lines()
            .find_map(|line| line.strip_prefix("Lost ")?.strip_suffix(" events."));
        // it says nothing where it lost nothing
        let lost = said.map_or(0, |count| count.parse().expect("it is a number"));
        Counts {
            samples,
            lost: Some(lost),
        }
    }

    fn stacks(&self, run: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let profile = read(&self.recording(room));
        let mut stacks = Stacks::default();
        for (_, thread) in threads(&profile, judge.layout) {
            for (stack, time) in samples(thread) {
                let outermost = stack.and_then(|stack| outermost(&profile, thread, stack));
                let is_complete = outermost.is_some_and(|(path, address)| {
                    judge.firsts.has_relative_address(Path::new(path), address)
                });
                stacks.add(1, is_complete);
                stacks.see(time - run.started * 1e3);
            }
        }
        stacks
    }

    fn graph(&self, _: u32, _: &Path) -> Graph {
        Graph::None
    }
}

fn read(file: &Path) -> Value {
    let file = BufReader::new(File::open(file).expect("samply wrote it"));
    serde_json::from_reader(BufReader::new(GzDecoder::new(file))).expect("it is JSON")
}

/// The workload's threads, with their names.
fn threads<'a>(
    profile: &'a Value,
    layout: &'a Layout,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let threads = profile["threads"]
        .as_array()
        .expect("there are threads")
        .iter();
    let named = threads.filter_map(|thread| Some((thread["processName"].as_str()?, thread)));
    named.filter(|(name, _)| layout.has(name))
}

/// The stacks and times (`CLOCK_MONOTONIC`, in ms) of the samples.
fn samples(thread: &Value) -> impl Iterator<Item = (Option<usize>, f64)> {
    let column = |name: &str| {
        thread["samples"][name]
            .as_array()
            .expect("it is a column")
            .iter()
    };
    let stacks = column("stack").map(index);
    let times = column("time").map(number);
    stacks.zip(times)
}

/// The outermost frame that lies in a file, as the path and the address relative to the file.
fn outermost<'a>(profile: &'a Value, thread: &'a Value, stack: usize) -> Option<(&'a str, u64)> {
    let stacks = &thread["stackTable"];
    let callers = std::iter::successors(Some(stack), |stack| index(&stacks["prefix"][*stack]));
    let frames = callers.filter_map(|stack| index(&stacks["frame"][stack]));
    frames
        .filter_map(|frame| place(profile, thread, frame))
        .last()
}

fn place<'a>(profile: &'a Value, thread: &'a Value, frame: usize) -> Option<(&'a str, u64)> {
    let address = thread["frameTable"]["address"][frame].as_u64()?;
    let function = index(&thread["frameTable"]["func"][frame])?;
    let resource = index(&thread["funcTable"]["resource"][function])?;
    let library = index(&thread["resourceTable"]["lib"][resource])?;
    let path = profile["libs"][library]["path"].as_str()?;
    path.starts_with('/').then_some((path, address))
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}
