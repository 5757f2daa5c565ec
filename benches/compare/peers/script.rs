//! Reading what `perf script` prints, and what somno prints in its place.

use std::io::BufRead;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::launch::Run;
use super::peer::{Judge, Stacks};

static SAMPLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(.+?)\s+\d+(?:/\d+)?\s+(?:\[\d+\]\s+)?(\d+\.\d+):").expect("it is a pattern")
});

/// A sample, its frames as they are written.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) thread: String,
    /// `CLOCK_MONOTONIC`
    pub(super) seconds: f64,
    /// Leaf first.
    pub(super) frames: Vec<String>,
}

/// Reads samples one by one; all other lines go to the second function.
pub(super) fn read(
    from: impl BufRead,
    mut sample: impl FnMut(&Sample),
    mut other: impl FnMut(&str),
) {
    let mut now: Option<Sample> = None;
    for line in from.split(b'\n') {
        let line = line.expect("it is readable");
        let line = String::from_utf8_lossy(&line);
        if line.starts_with('\t') {
            if let Some(now) = &mut now {
                now.frames.push(line.trim().to_owned());
            }
            continue;
        }
        if let Some(over) = now.take() {
            sample(&over);
        }
        if line.contains("PERF_RECORD_") {
            other(&line);
        } else if let Some(found) = SAMPLE.captures(&line) {
            let seconds = found[2].parse().expect("it is a number");
            now = Some(Sample {
                thread: found[1].to_owned(),
                seconds,
                frames: Vec::new(),
            });
        }
    }
    if let Some(over) = now {
        sample(&over);
    }
}

/// The file of a user frame and the place in it: `OFFSET ... (FILE)`. perf too has the offset in
/// the file there, and not the address.
pub(super) fn place(frame: &str) -> Option<(&Path, u64)> {
    let address = u64::from_str_radix(frame.split_whitespace().next()?, 16).ok()?;
    let (_, path) = frame.strip_suffix(')')?.rsplit_once('(')?;
    path.starts_with('/').then_some((Path::new(path), address))
}

/// Adds a sample of the workload to those that are judged.
pub(super) fn judge(sample: &Sample, run: &Run, judge: &mut Judge<'_>, stacks: &mut Stacks) {
    if !judge.layout.has(&sample.thread) {
        return;
    }
    let mut frames = sample.frames.iter().rev();
    let outermost = frames.find_map(|frame| place(frame));
    stacks.add(1, judge.place(outermost));
    stacks.see((sample.seconds - run.started) * 1e3);
}
