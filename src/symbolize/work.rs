//! What there is to name, in pieces that need nothing else.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::captured::{CapturedSymbols, MadeFile};
use super::files::{Located, ModuleFiles};
use super::jit_maps::{JitMaps, Sources};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::id::ModuleId;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::names::{FrameName, Naming, Unnamed};

/// Frames of a piece of work: some milliseconds, where debug information is read already.
const FRAMES: usize = 512;

/// Everything that names can come from; what leads to files must stay until the work is
/// done.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Files that were opened.
    pub files: &'a ModuleFiles,
    /// Symbols of files that could not be opened.
    pub captured: &'a CapturedSymbols,
    /// What processes wrote about code that they made.
    pub jit_maps: &'a JitMaps,
}

/// What has the symbols of a module.
#[derive(Clone, Debug)]
pub enum Content {
    /// The file.
    File(Located),
    /// What was captured of it; and why it could not be opened.
    Captured(Arc<MadeFile>, Unnamed),
    /// Nothing, for this reason.
    Missing(Unnamed),
}

impl PartialEq for Content {
    /// Tells whether it is the same thing, not whether it has the same bytes.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(file), Self::File(other)) => file == other,
            (Self::Captured(made, _), Self::Captured(other, _)) => Arc::ptr_eq(made, other),
            (Self::Missing(reason), Self::Missing(other)) => reason == other,
            _ => false,
        }
    }
}

impl Content {
    /// Why it leads to nothing, if it does.
    #[must_use]
    pub fn obstacle(&self) -> Option<Unnamed> {
        match self {
            Self::File(file) => file.obstacle(),
            Self::Captured(..) => None,
            Self::Missing(reason) => Some(*reason),
        }
    }

    fn of(module: ModuleId, known: Known<'_>) -> Self {
        match known.files.locate(module) {
            Ok(file) => Self::File(file),
            Err(reason) => match known.captured.make_file(module) {
                Some(made) => Self::Captured(Arc::new(made), reason),
                None => Self::Missing(reason),
            },
        }
    }
}

/// Frames of one kind and place.
#[derive(Debug)]
pub enum Work {
    /// In a file.
    File {
        /// Which.
        module: ModuleId,
        /// The last part of its path.
        base_name: String,
        /// What has its symbols.
        content: Content,
        /// Where in it.
        frames: Vec<(FrameId, FileOffset)>,
    },
    /// In anonymous memory of one process.
    Jit {
        /// What the process wrote about it.
        sources: Result<Sources, Unnamed>,
        /// Where.
        frames: Vec<(FrameId, UserAddress)>,
    },
    /// In the kernel.
    Kernel(Vec<(FrameId, KernelAddress)>),
}

/// Frames and what became of naming them.
pub type Named = Vec<(FrameId, Naming)>;

impl Work {
    /// How many frames it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::File { frames, .. } => frames.len(),
            Self::Jit { frames, .. } => frames.len(),
            Self::Kernel(frames) => frames.len(),
        }
    }

    /// Whether it is about the file that another piece is about.
    #[must_use]
    pub fn is_of_same_file(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File {
                    module, content, ..
                },
                Self::File {
                    module: other,
                    content: other_content,
                    ..
                },
            ) => module == other && content == other_content,
            _ => false,
        }
    }

    /// The last part of its file's path.
    #[must_use]
    pub fn base_name(&self) -> &str {
        match self {
            Self::File { base_name, .. } => base_name,
            Self::Jit { .. } | Self::Kernel(_) => "",
        }
    }

    /// Says of all of its frames why they have no name.
    #[must_use]
    pub fn unnamed(&self, reason: Unnamed) -> Named {
        let unnamed = |id, place| (id, Naming::Unnamed(place, reason));
        match self {
            Self::File {
                base_name, frames, ..
            } => frames
                .iter()
                .map(|&(id, offset)| unnamed(id, FrameName::in_file(base_name, offset)))
                .collect(),
            Self::Jit { frames, .. } => frames
                .iter()
                .map(|&(id, address)| unnamed(id, FrameName::anonymous(address)))
                .collect(),
            Self::Kernel(frames) => frames
                .iter()
                .map(|&(id, address)| unnamed(id, FrameName::in_kernel(address)))
                .collect(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Divides frames into work, that of one file in a row.
pub fn plan(frames: impl Iterator<Item = (FrameId, Frame)>, known: Known<'_>) -> Vec<Work> {
    let mut in_files: HashMap<ModuleId, Vec<_>> = HashMap::new();
    let mut in_processes: HashMap<_, Vec<_>> = HashMap::new();
    let mut in_kernel = Vec::new();
    for (id, frame) in frames {
        match frame {
            Frame::Reason(_) | Frame::WakerThread(_) => {}
            Frame::File(module, offset) => in_files.entry(module).or_default().push((id, offset)),
            Frame::Anonymous(pid, start, address) => {
                let frames = in_processes.entry((pid, start)).or_default();
                frames.push((id, address));
            }
            Frame::Kernel(address) | Frame::Waker(address) => in_kernel.push((id, address)),
        }
    }
    let mut work = Vec::new();
    if !in_kernel.is_empty() {
        work.push(Work::Kernel(in_kernel));
    }
    // Servers may be asked only for so long, so files with most frames go first.
    let mut in_files: Vec<_> = in_files.into_iter().collect();
    in_files.sort_by_key(|(module, frames)| (Reverse(frames.len()), *module));
    for (module, mut frames) in in_files {
        // neighbours have their debug information in common
        frames.sort_unstable_by_key(|&(_, offset)| offset);
        let content = Content::of(module, known);
        for frames in frames.chunks(FRAMES) {
            work.push(Work::File {
                module,
                base_name: known.files.base_name(module),
                content: content.clone(),
                frames: frames.to_vec(),
            });
        }
    }
    for ((pid, start), frames) in in_processes {
        let sources = known.jit_maps.sources(pid, start);
        work.push(Work::Jit { sources, frames });
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Outcome;
    use crate::profile::frames::FrameTable;

    /// Check that every frame of code is in one piece of work, and no piece is long.
    #[test]
    fn every_frame_is_planned_once() {
        let mut frames = FrameTable::default();
        frames.intern(Frame::Reason(Outcome::Lost));
        for offset in 0..2000 {
            frames.intern(Frame::File(
                ModuleId(2 + offset % 2),
                FileOffset(offset.into()),
            ));
        }
        frames.intern(Frame::Kernel(KernelAddress(1)));
        let known = Known {
            files: &ModuleFiles::new(),
            captured: &CapturedSymbols::default(),
            jit_maps: &JitMaps::new(None),
        };
        let work = plan(frames.iter(), known);
        assert_eq!(work.iter().map(Work::len).sum::<usize>(), 2001);
        assert!(
            work.iter()
                .all(|work| work.len() <= FRAMES && !work.is_empty())
        );
    }
}
