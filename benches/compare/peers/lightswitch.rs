//! `lightswitch`, which makes tables of call frame information as it meets a program, and looks
//! at the whole system. It needs tracefs in debugfs, so it is compared in a guest: `make bench-vm`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use prost::Message as _;

use super::launch::{Run, Start};
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};

/// Where `make bench-vm` installs it.
const HERE: &str = "target/peers/bin/lightswitch";

/// The only place where it looks for tracepoints.
const TRACEFS: &str = "/sys/kernel/debug/tracing/events";

pub(super) struct Lightswitch;

impl Lightswitch {
    fn record(rate: u32, options: &[&str], output: &Path) -> Command {
        let mut command = Command::new(HERE);
        // it may not have been told to stop when its time is over
        command
            .args(["--duration", "3600", "--sample-freq"])
            .arg(largest_prime(rate).to_string())
            .args(options)
            .arg("--profile-name")
            .arg(output);
        command
    }
}

impl Peer for Lightswitch {
    fn name(&self) -> &'static str {
        "lightswitch"
    }

    fn version(&self) -> Result<String, String> {
        let version = version(HERE)?;
        if Path::new(TRACEFS).exists() {
            Ok(version)
        } else {
            Err(format!("it looks for {TRACEFS} only, which is not there"))
        }
    }

    fn highest_rate(&self) -> u32 {
        1001
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        let options = ["--profile-format", "pprof", "--symbolizer", "none"];
        Self::record(rate, &options, &self.recording(room))
    }

    fn start(&self) -> Start {
        // it says nothing when it begins
        Start::Beside(|pid, _| has_events(pid))
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join("lightswitch.pb")
    }

    fn counts(&self, _: &Run, room: &Path, layout: &Layout) -> Counts {
        let profile = read(&self.recording(room));
        let samples = profile.of(layout).map(Sample::count).sum();
        Counts {
            samples,
            lost: None,
        }
    }

    fn stacks(&self, _: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let profile = read(&self.recording(room));
        let mut stacks = Stacks::default();
        for sample in profile.of(judge.layout) {
            let mut callers_first = sample.locations.iter().rev();
            let outermost = callers_first.find_map(|&id| profile.place(judge.layout, id));
            let is_complete =
                outermost.is_some_and(|(path, address)| judge.firsts.has_address(path, address));
            stacks.add(sample.count(), is_complete);
        }
        stacks
    }

    fn graph(&self, rate: u32, room: &Path) -> Graph {
        let options = ["--profile-format", "flame-graph"];
        Graph::Run(Self::record(rate, &options, &room.join("lightswitch.svg")))
    }
}

/// It takes no others.
fn largest_prime(rate: u32) -> u32 {
    let is_prime = |number: &u32| (2..*number).all(|divisor| !number.is_multiple_of(divisor));
    let prime = (2..=rate).rev().find(is_prime);
    prime.expect("a rate is two or more")
}

fn has_events(pid: u32) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| {
        fs::read_link(file.path()).is_ok_and(|name| name.ends_with("anon_inode:[perf_event]"))
    })
}

/// As much of pprof's `profile.proto` as it takes.
#[derive(Clone, PartialEq, prost::Message)]
struct Profile {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mappings: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    locations: Vec<Location>,
    #[prost(string, repeated, tag = "6")]
    strings: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    /// Innermost first.
    #[prost(uint64, repeated, tag = "1")]
    locations: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    values: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    string: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Mapping {
    /// The name of a file, without its directory.
    #[prost(int64, tag = "5")]
    file: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Location {
    #[prost(uint64, tag = "2")]
    mapping: u64,
    /// As it is in the file's own table of segments.
    #[prost(uint64, tag = "3")]
    address: u64,
}

impl Sample {
    fn count(&self) -> u64 {
        self.values.first().map_or(0, |count| count.unsigned_abs())
    }
}

impl Profile {
    /// The samples of the workload.
    fn of(&self, layout: &Layout) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| {
            let mut labels = sample.labels.iter();
            let name = labels.find(|label| self.string(label.key) == "process.name");
            name.is_some_and(|name| layout.has(self.string(name.string)))
        })
    }

    /// The file of a location and the address in it, if it is in one that the workload maps.
    fn place<'a>(&self, layout: &'a Layout, location: u64) -> Option<(&'a Path, u64)> {
        // numbers of locations and mappings are their places, from 1
        let at = |id: u64| usize::try_from(id).ok()?.checked_sub(1);
        let location = self.locations.get(at(location)?)?;
        let mapping = self.mappings.get(at(location.mapping)?)?;
        Some((layout.file(self.string(mapping.file))?, location.address))
    }

    fn string(&self, index: i64) -> &str {
        let string = usize::try_from(index).ok();
        string
            .and_then(|index| self.strings.get(index))
            .map_or("", String::as_str)
    }
}

fn read(file: &Path) -> Profile {
    let bytes = fs::read(file).expect("lightswitch wrote it");
    Profile::decode(&*bytes).expect("it is a profile")
}
