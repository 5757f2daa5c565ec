//! Names of code that a process made at run time.

use std::collections::HashMap;

use super::jit_maps::{JitMaps, Sources};
use super::names::{FrameName, Kind, Names, Unnamed};
use super::wanted::Wanted;
use super::{jitdump, perf_map};
use crate::addr::UserAddress;
use crate::id::Pid;
use crate::profile::frames::FrameId;
use crate::time::ProcessStart;

/// Frames in anonymous memory, by process.
#[derive(Debug, Default)]
pub struct JitFrames {
    processes: HashMap<(Pid, ProcessStart), Vec<(FrameId, UserAddress)>>,
}

impl JitFrames {
    /// Takes a frame.
    pub fn add(&mut self, pid: Pid, start: ProcessStart, id: FrameId, address: UserAddress) {
        let frames = self.processes.entry((pid, start)).or_default();
        frames.push((id, address));
    }

    /// Names all of them, or says why not.
    pub fn name(self, maps: &JitMaps, names: &mut Names) {
        for ((pid, start), frames) in self.processes {
            match maps.sources(pid, start) {
                Ok(sources) => name_by(&sources, &frames, names),
                Err(reason) => {
                    for (id, address) in frames {
                        names.set_unnamed(id, FrameName::anonymous(address), reason);
                    }
                }
            }
        }
    }
}

/// A dump knows when code was where, so it has the last word.
fn name_by(sources: &Sources<'_>, frames: &[(FrameId, UserAddress)], names: &mut Names) {
    let mut wanted = Wanted::new(frames.iter().map(|&(_, address)| address));
    // What was read before an error is still true.
    if let Some(map) = sources.map {
        let _ = perf_map::read(std::io::BufReader::new(map), &mut wanted);
    }
    if let Some(dump) = sources.dump {
        let _ = jitdump::read(dump, sources.until, &mut wanted);
    }
    for &(id, address) in frames {
        match wanted.name(address) {
            Some(name) => names.set(id, vec![FrameName::new(name, Kind::Jit)]),
            None => names.set_unnamed(id, FrameName::anonymous(address), Unnamed::NotInJitMap),
        }
    }
}
