//! `somno record`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::launch::Run;
use super::layout::Layout;
use super::peer::{Counts, Graph, Judge, Peer, Stacks, version};
use super::script;

const SOMNO: &str = env!("CARGO_BIN_EXE_somno");

pub(super) struct Somno;

impl Somno {
    fn record(rate: u32, room: &Path, output: &Path) -> Command {
        let mut command = Command::new(SOMNO);
        command
            .args([
                "record",
                "-e",
                "cpu-clock",
                "-F",
                &rate.to_string(),
                "--stats",
            ])
            .arg(room.join("somno.json"))
            .arg("-o")
            .arg(output)
            .arg("--");
        command
    }
}

impl Peer for Somno {
    fn name(&self) -> &'static str {
        "somno"
    }

    fn version(&self) -> Result<String, String> {
        version(SOMNO)
    }

    fn command(&self, rate: u32, room: &Path) -> Command {
        Self::record(rate, room, &self.recording(room))
    }

    fn recording(&self, room: &Path) -> PathBuf {
        room.join("peer.somno")
    }

    fn counts(&self, _: &Run, room: &Path, _: &Layout) -> Counts {
        let text = fs::read_to_string(room.join("somno.json")).expect("somno wrote it");
        let stats: Value = serde_json::from_str(&text).expect("it is JSON");
        let lost = stats["lost"].as_object().expect("lost is an object");
        Counts {
            samples: stats["samples"].as_u64().expect("it is a count"),
            lost: Some(lost.values().filter_map(Value::as_u64).sum()),
        }
    }

    fn stacks(&self, run: &Run, room: &Path, judge: &mut Judge<'_>) -> Stacks {
        let script = room.join("somno.perf");
        let status = Command::new(SOMNO)
            .arg("export")
            .arg(self.recording(room))
            .arg("-o")
            .arg(&script)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "somno exports");
        let text = fs::read(&script).expect("somno wrote it");
        let mut stacks = Stacks::default();
        let look = |sample: &script::Sample| script::judge(sample, run, judge, &mut stacks);
        script::read(&*text, look, |_| ());
        stacks
    }

    fn graph(&self, rate: u32, room: &Path) -> Graph {
        Graph::Run(Self::record(rate, room, &room.join("graph.svg")))
    }
}
