//! Names of code that a process made at run time.

use std::fs::File;
use std::io::BufReader;

use super::jit_maps::Sources;
use super::wanted::Wanted;
use super::work::Named;
use super::{jitdump, perf_map, regular};
use crate::addr::UserAddress;
use crate::privileges::{Use, in_effect};
use crate::profile::frames::FrameId;
use crate::profile::names::{FrameName, Kind, Naming, Unnamed};

/// Names frames of one process where it wrote names for them.
#[must_use]
pub fn name(sources: &Sources, frames: &[(FrameId, UserAddress)]) -> Named {
    let (wanted, reason) = read(sources, frames);
    let naming = |address| match wanted.name(address) {
        Some(name) => Naming::Named(vec![FrameName::new(name, Kind::Jit).into()]),
        None => Naming::Unnamed(FrameName::anonymous(address), reason),
    };
    let name = |&(id, address): &(FrameId, UserAddress)| (id, naming(address));
    frames.iter().map(name).collect()
}

/// A dump knows when code was where, so it has the last word. Also tells why what has no name then
/// has none.
fn read(sources: &Sources, frames: &[(FrameId, UserAddress)]) -> (Wanted, Unnamed) {
    let mut wanted = Wanted::new(frames.iter().map(|&(_, address)| address));
    let (map, dump) = open(sources);
    let reason = match (&map, &dump) {
        (None, None) => Unnamed::NotOpened,
        _ => Unnamed::NotInJitMap,
    };
    // What was read before an error is still true.
    if let Some(map) = map {
        let _ = perf_map::read(BufReader::new(map), &mut wanted);
    }
    if let Some(dump) = dump {
        let _ = jitdump::read(dump, sources.until, &mut wanted);
    }
    (wanted, reason)
}

/// Opens both, from their start on each time: they grow.
fn open(sources: &Sources) -> (Option<File>, Option<File>) {
    let _symbols = in_effect(Use::Symbols);
    let [map, dump] = [&sources.map, &sources.dump].map(|named| {
        let named = named.as_deref()?;
        regular::reopen(named).ok()
    });
    (map, dump)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::id::Pid;
    use crate::profile::frames::{Frame, FrameTable};
    use crate::time::{ProcessStart, Timestamp};

    /// Check that a map is read as it is by now, again and again, and that what cannot be opened
    /// any more is no map without names.
    #[test]
    fn maps_are_opened_when_they_are_read() {
        let address = UserAddress(0x1010);
        let mut table = FrameTable::default();
        let frame = table.intern(Frame::Anonymous(Pid(1), ProcessStart(1), address));
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let path = room.path().join("map");
        fs::write(&path, "").expect("it is ours");
        let held = regular::hold(&path).expect("it was just made");
        let named = |map| {
            let sources = Sources {
                map,
                dump: None,
                until: Timestamp(1),
            };
            name(&sources, &[(frame, address)])
        };
        let unnamed = |reason| {
            let place = FrameName::anonymous(address);
            vec![(frame, Naming::Unnamed(place, reason))]
        };
        let held = Some(Arc::new(held));
        assert_eq!(named(held.clone()), unnamed(Unnamed::NotInJitMap));
        fs::write(&path, "1000 20 made\n").expect("it is ours");
        let made = Naming::Named(vec![FrameName::new("made", Kind::Jit).into()]);
        for _ in 0..2 {
            assert_eq!(named(held.clone()), [(frame, made.clone())]);
        }
        assert_eq!(named(None), unnamed(Unnamed::NotOpened));
    }
}
