//! A one-liner for `bpftrace`, which follows frame pointers and looks at the whole system. It
//! names what still runs when it prints, so that of a workload that is over there are only
//! addresses.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::launch::{Run, Start};
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};

pub(super) struct Bpftrace;

impl Peer for Bpftrace {
    fn name(&self) -> &'static str {
        "bpftrace"
    }

    fn version(&self) -> Result<String, String> {
        version("bpftrace")
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        let script = format!(
            "profile:hz:{rate} /pid != 0/ {{ if (@first[comm] == 0) {{ @first[comm] = nsecs; }} @[ustack(perf), kstack(perf), comm] = count(); }}"
        );
        let mut command = Command::new("bpftrace");
        command
            // 4,096 else, and what is beyond is dropped without a word
            .env("BPFTRACE_MAP_KEYS_MAX", "100000")
            .arg("-o")
            .arg(self.recording(room))
            .args(["-e", &script, "-c"]);
        command
    }

    fn start(&self) -> Start {
        Start::OneWord
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join("bpftrace.txt")
    }

    fn counts(&self, _: &Run, room: &Path, layout: &Layout) -> Counts {
        let mut samples = 0;
        read(&self.recording(room), |entry| {
            samples += if layout.has(&entry.thread) {
                entry.count
            } else {
                0
            };
        });
        Counts {
            samples,
            lost: None,
        }
    }

    fn stacks(&self, run: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let mut stacks = Stacks::default();
        let recording = self.recording(room);
        read(&recording, |entry| {
            if judge.layout.has(&entry.thread) {
                let addresses = entry.frames.iter().rev().filter_map(|frame| address(frame));
                let is_complete = judge.addresses(&entry.thread, addresses);
                stacks.add(entry.count, is_complete);
            }
        });
        for line in fs::read_to_string(recording).expect("it wrote it").lines() {
            let first = line
                .strip_prefix("@first[")
                .and_then(|rest| rest.rsplit_once("]: "));
            let Some((thread, nanoseconds)) = first else {
                continue;
            };
            if judge.layout.has(thread) {
                let nanoseconds: f64 = nanoseconds.parse().expect("it is a number");
                stacks.see(nanoseconds / 1e6 - run.started * 1e3);
            }
        }
        stacks
    }

    fn graph(&self, _: u32, _: &Path) -> Graph {
        Graph::Convert(graph)
    }
}

/// Folds it and draws it: user frames below the kernel's, each leaf first in the text.
fn graph(text: &Path) {
    let mut folded = String::new();
    read(text, |entry| {
        let (user, kernel): (Vec<&str>, Vec<&str>) = entry
            .frames
            .iter()
            .partition(|frame| address(frame).is_some_and(|address| address >> 63 == 0));
        let frames = user.iter().rev().chain(kernel.iter().rev());
        let names = frames.filter_map(|frame| frame.split_whitespace().nth(1));
        let stack = std::iter::once(&*entry.thread)
            .chain(names)
            .collect::<Vec<_>>();
        writeln!(folded, "{} {}", stack.join(";"), entry.count).expect("a string takes everything");
    });
    super::draw(folded.as_bytes(), text);
}

/// A key of the map.
struct Entry<'a> {
    thread: String,
    /// Of the user stack, and then of the kernel stack.
    frames: Vec<&'a str>,
    count: u64,
}

fn address(frame: &str) -> Option<u64> {
    u64::from_str_radix(frame.split_whitespace().next()?, 16).ok()
}

fn read(text: &Path, mut each: impl FnMut(&Entry<'_>)) {
    let text = fs::read_to_string(text).expect("it wrote it");
    let mut frames = Vec::new();
    for line in text.lines() {
        if let Some(frame) = line.strip_prefix('\t') {
            frames.push(frame);
        }
        // the end of a key: `, comm]: count`
        let end = line
            .rsplit_once("]: ")
            .filter(|(key, _)| !key.starts_with("@first"));
        if let Some((key, count)) = end {
            let thread = key
                .rsplit_once(", ")
                .map_or(key, |(_, thread)| thread)
                .to_owned();
            let count = count.parse().expect("it is a number");
            let frames = std::mem::take(&mut frames);
            each(&Entry {
                thread,
                frames,
                count,
            });
        }
    }
}
