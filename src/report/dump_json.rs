//! Where every thread is, as one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dump::{place_of, state_text};
use crate::event::Outcome;
use crate::profile::Profile;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::{NamedFrame, Names};
use crate::profile::outcome_key;
use crate::profile::tally::Tally;
use crate::profile::threads::Thread;
use crate::text::clean;
use crate::view::dump::{Group, Owned};

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Dump<'a> {
    schema: u32,
    version: &'a str,
    kernel: &'a str,
    threads: u64,
    user: BTreeMap<&'static str, u64>,
    kernel_only: u64,
    stacks: Vec<Stack>,
}

#[derive(Serialize)]
struct Stack {
    state: &'static str,
    outcome: Option<&'static str>,
    threads: Vec<ThreadRow>,
    frames: Vec<FrameRow>,
}

#[derive(Serialize)]
struct ThreadRow {
    pid: u32,
    tid: u32,
    comm: String,
}

#[derive(Serialize)]
struct FrameRow {
    name: String,
    module: Option<String>,
    /// In the module, of frames that are in a file.
    offset: Option<u64>,
    file: Option<String>,
    line: Option<u32>,
}

/// Makes the object of a kernel of this release; stacks are leaf first.
///
/// # Panics
/// Never: the object has string keys only.
#[must_use]
pub fn text(
    owned: &[Owned],
    profile: &Profile,
    names: &Names,
    tally: &Tally,
    kernel: &str,
) -> String {
    let groups = owned.iter().flat_map(|owned| &owned.groups);
    let outcomes = Outcome::ALL.iter();
    let dump = Dump {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        kernel,
        threads: tally.samples(),
        user: outcomes
            .map(|&outcome| (outcome_key(outcome), tally.outcome(outcome)))
            .collect(),
        kernel_only: tally.kernel_only,
        stacks: groups.map(|group| stack(group, profile, names)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&dump).expect("string keys only");
    text.push('\n');
    text
}

fn stack(group: &Group, profile: &Profile, names: &Names) -> Stack {
    let mut frames = Vec::new();
    for id in profile.stack(group.stack).into_iter().rev() {
        if !matches!(profile.frames().get(id), Frame::Reason(_)) {
            let inner_first = names.of(id).iter().rev();
            frames.extend(inner_first.map(|named| frame(id, named, profile)));
        }
    }
    Stack {
        state: state_text(group.state),
        outcome: group.outcome.map(outcome_key),
        threads: group.threads.iter().map(ThreadRow::from).collect(),
        frames,
    }
}

fn frame(id: FrameId, named: &NamedFrame, profile: &Profile) -> FrameRow {
    let location = named.location.as_ref();
    FrameRow {
        name: named.name.to_string(),
        module: Some(place_of(id, profile).path(profile.modules())).filter(|path| !path.is_empty()),
        offset: match profile.frames().get(id) {
            Frame::File(_, offset) => Some(offset.0),
            _ => None,
        },
        file: location.map(|location| clean(&location.file)),
        line: location
            .map(|location| location.line)
            .filter(|&line| line > 0),
    }
}

impl From<&Thread> for ThreadRow {
    fn from(thread: &Thread) -> Self {
        Self {
            pid: thread.pid.0,
            tid: thread.tid.0,
            comm: clean(&thread.comm.to_text()),
        }
    }
}
