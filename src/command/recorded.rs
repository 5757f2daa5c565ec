//! Recordings, opened to be looked at.

use std::path::Path;

use super::progress::Progress;
use super::{Verbosity, say};
use crate::error::{Context as _, Result};
use crate::proc::machine;
use crate::profile::frames::Frame;
use crate::profile::names::Unnamed;
use crate::recording::{self, Recording};
use crate::report::summary;
use crate::symbolize::captured::CapturedSymbols;
use crate::symbolize::files::ModuleFiles;
use crate::symbolize::jit_maps::JitMaps;
use crate::symbolize::work::Known;
use crate::symbolize::worker::name_frames;

/// Reads a recording, and names what was not named while it was made, from files that are
/// here and are the same.
///
/// # Errors
/// When it cannot be read.
pub fn open(path: &Path, verbosity: Verbosity) -> Result<Recording> {
    let mut recording = recording::read(path)?;
    name_the_rest(&mut recording, verbosity)?;
    Ok(recording)
}

/// Does so, and says where not all of it can be shown.
///
/// # Errors
/// When it cannot be read.
pub fn open_and_say(path: &Path, verbosity: Verbosity) -> Result<Recording> {
    let recording = open(path, verbosity)?;
    if verbosity > Verbosity::Quiet {
        let cut = recording.cut.map(summary::cut);
        for line in cut.into_iter().chain(summary::left_out(&recording)) {
            say(&format!("somno: `{}`: {line}", path.display()));
        }
    }
    Ok(recording)
}

fn name_the_rest(recording: &mut Recording, verbosity: Verbosity) -> Result<()> {
    // The kernel's addresses mean something to that run of it only.
    let is_same_kernel = recording.header.machine.boot_id == machine::read().boot_id;
    let names = &recording.names;
    let frames: Vec<_> = recording
        .profile
        .frames()
        .iter()
        .filter(|&(id, _)| names.reason(id) == Some(Unnamed::NotAsked))
        .filter(|(_, frame)| match frame {
            Frame::File(..) => true,
            Frame::Kernel(_) | Frame::Waker(_) => is_same_kernel,
            Frame::Anonymous(..) | Frame::Reason(_) | Frame::WakerThread(_) => false,
        })
        .collect();
    if frames.is_empty() {
        return Ok(());
    }
    let mut files = ModuleFiles::new();
    for module in recording.profile.modules().iter() {
        files.add_recorded(module);
    }
    let mut progress = Progress::new("naming frames", verbosity > Verbosity::Quiet);
    let names = &mut recording.names;
    name_frames(
        frames.into_iter(),
        Known {
            files: &files,
            captured: &CapturedSymbols::default(),
            jit_maps: &JitMaps::default(),
        },
        None,
        &mut |batch| {
            progress.set(batch.done, batch.count);
            for (id, naming) in batch.named {
                let naming = naming.clone();
                names.set(
                    *id,
                    match recording.profile.frames().get(*id) {
                        Frame::Waker(_) => naming.of_waker(),
                        _ => naming,
                    },
                );
            }
        },
    )
    .context(|| "start a thread for symbols".into())
}
