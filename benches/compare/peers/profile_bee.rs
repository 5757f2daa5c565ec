//! `profile-bee`, by frame pointers and by tables that it makes of call frame information. It
//! looks at the whole system: with a command it follows one process and not its children.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::launch::{Run, Start};
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};

/// Where `make setup-bench` installs it.
const HERE: &str = "target/peers/bin/probee";

/// With its tables it gives up where tracefs is not mounted, so it sees it mounted; the machine
/// stays as it is.
const MOUNT: &str = r#"[ -e "$0/events" ] || mount -t tracefs tracefs "$0" && exec "$@""#;
const TRACEFS: &str = "/sys/kernel/tracing";

pub(super) struct ProfileBee {
    pub(super) name: &'static str,
    pub(super) dwarf: bool,
}

impl ProfileBee {
    fn record(&self, rate: u32, output: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", MOUNT, TRACEFS, HERE]);
        command.args([
            "--skip-idle",
            "--time",
            "0",
            "--frequency",
            &rate.to_string(),
        ]);
        command
            .arg(format!("--dwarf={}", self.dwarf))
            .arg("--output")
            .arg(output);
        command
    }
}

impl Peer for ProfileBee {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> Result<String, String> {
        version(HERE)
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        self.record(rate, &self.recording(room))
    }

    fn start(&self) -> Start {
        Start::Beside(|_, said| said.contains("Waiting for Ctrl-C"))
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join("bee.raw")
    }

    fn counts(&self, _: &Run, room: &Path, layout: &Layout) -> Counts {
        let mut samples = 0;
        read(&self.recording(room), |thread, _, count| {
            samples += if layout.has(thread) { count } else { 0 };
        });
        Counts {
            samples,
            lost: None,
        }
    }

    fn stacks(&self, _: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let mut stacks = Stacks::default();
        read(&self.recording(room), |thread, frames, count| {
            if judge.layout.has(thread) {
                let is_complete = judge.addresses(thread, addresses(frames));
                stacks.add(count, is_complete);
            }
        });
        stacks
    }

    fn graph(&self, rate: u32, room: &Path) -> Graph {
        Graph::Run(self.record(rate, &room.join("bee.svg")))
    }
}

/// Gives each line's thread name, frames and count: `name[pid:n];FRAMES count`.
fn read(raw: &Path, mut each: impl FnMut(&str, &str, u64)) {
    let text = fs::read(raw).expect("it wrote it");
    let text = String::from_utf8_lossy(&text);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((stack, count)) = line.rsplit_once(' ') else {
            continue;
        };
        let (name, frames) = stack.split_once(';').unwrap_or((stack, ""));
        let thread = name.rsplit_once("[pid:").map_or(name, |(thread, _)| thread);
        each(thread, frames, count.parse().expect("it is a number"));
    }
}

/// The user's of `0xADDRESS_k;...;0xADDRESS;...`, outermost first.
fn addresses(frames: &str) -> impl Iterator<Item = u64> {
    let numbers = frames
        .split(';')
        .filter_map(|frame| frame.strip_prefix("0x"));
    numbers.filter_map(|number| u64::from_str_radix(number, 16).ok())
}
