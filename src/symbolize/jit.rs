//! Names of code that a process made at run time.

use std::fs::File;
use std::io::{BufReader, Seek as _};

use super::jit_maps::Sources;
use super::wanted::Wanted;
use super::work::Named;
use super::{jitdump, perf_map};
use crate::addr::UserAddress;
use crate::profile::frames::FrameId;
use crate::profile::names::{FrameName, Kind, Naming, Unnamed};

/// Names frames of one process where it wrote names for them.
#[must_use]
pub fn name(sources: &Sources, frames: &[(FrameId, UserAddress)]) -> Named {
    let wanted = read(sources, frames);
    let naming = |address| match wanted.name(address) {
        Some(name) => Naming::Named(vec![FrameName::new(name, Kind::Jit).into()]),
        None => Naming::Unnamed(FrameName::anonymous(address), Unnamed::NotInJitMap),
    };
    let name = |&(id, address): &(FrameId, UserAddress)| (id, naming(address));
    frames.iter().map(name).collect()
}

/// A dump knows when code was where, so it has the last word.
fn read(sources: &Sources, frames: &[(FrameId, UserAddress)]) -> Wanted {
    let mut wanted = Wanted::new(frames.iter().map(|&(_, address)| address));
    // What was read before an error is still true.
    if let Some(map) = sources.map.as_ref().and_then(from_the_start) {
        let _ = perf_map::read(BufReader::new(map), &mut wanted);
    }
    if let Some(dump) = sources.dump.as_ref().and_then(from_the_start) {
        let _ = jitdump::read(dump, sources.until, &mut wanted);
    }
    wanted
}

/// Files that were read before are read again from their start: they grow.
fn from_the_start(mut file: &File) -> Option<&File> {
    file.rewind().ok()?;
    Some(file)
}
