//! Opens the files behind modules, and looks which are the right ones: on a thread, because a file
//! system may never answer.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use blazesym::helper::read_elf_build_id;
use rustix::fs::{FsWord, fstatfs};

use super::patient::{PATIENCE, Patient};
use super::regular;
use crate::event::{BuildId, FileIdentity, Module, ModuleBuildId};
use crate::id::ModuleId;
use crate::privileges::{self, Use, in_effect};

/// What the thread is called.
pub const THREAD: &str = "somno-files";

/// `linux/magic.h`
const OVERLAYFS_SUPER_MAGIC: FsWord = 0x794c_7630;

/// What is asked about a module's file.
#[derive(Debug)]
pub(super) enum Question {
    /// To open it.
    Open(Module),
    /// Which of these, if any, has the build id.
    Prove(ModuleBuildId, Vec<PathBuf>),
}

/// What was found out.
#[derive(Debug)]
pub(super) enum Answer {
    Opened(Opened),
    Proved(Option<usize>),
}

/// What could be opened for a module.
#[derive(Debug)]
pub(super) enum Opened {
    /// Its file.
    Known(File),
    /// These, of which one may be it.
    Unknown(Vec<File>),
}

/// Whoever opens files.
pub(super) type Opener = Patient<Question, Answer>;

impl Question {
    /// The module that it is about.
    pub(super) fn module(&self) -> ModuleId {
        match self {
            Self::Open(module) => module.id,
            Self::Prove(notice, _) => notice.module,
        }
    }
}

/// Makes one, which has no thread before there is something to open.
pub(super) fn opener() -> Opener {
    on_files_thread(answer)
}

/// Has questions answered by a thread that may open files which processes have mapped. It keeps
/// the precedence of who samples: a file may be gone in a moment.
pub(super) fn on_files_thread<Q, A>(answer: fn(&Q) -> A) -> Patient<Q, A>
where
    Q: Send + Sync + 'static,
    A: Send + 'static,
{
    Patient::new(THREAD, PATIENCE, move || {
        Box::new(move || {
            // less is always allowed
            let _ = privileges::keep_for_files();
            Box::new(move |question: &Q| {
                let _files = in_effect(Use::Files);
                answer(question)
            })
        })
    })
}

pub(super) fn answer(question: &Question) -> Answer {
    match question {
        Question::Open(module) => Answer::Opened(open(module)),
        Question::Prove(notice, candidates) => {
            let is_the_one =
                |path: &PathBuf| read_build_id(path).as_ref() == Some(&notice.build_id);
            Answer::Proved(candidates.iter().position(is_the_one))
        }
    }
}

/// A path that leads to an open file.
pub(super) fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// What a file calls itself; none where it does not, or is no ELF file.
pub(super) fn read_build_id(path: &Path) -> Option<BuildId> {
    let build_id = read_elf_build_id(path).ok().flatten()?;
    Some(BuildId::new(&build_id))
}

/// Tries the mapping itself, then the path in the task's root, then in ours.
///
/// The mapping leads to the very file. A path may lead to another one by now; and the
/// file system that a file is mapped from (overlayfs, btrfs) may tell other numbers
/// inside than outside, so that what differs may be the one all the same.
fn open(module: &Module) -> Opened {
    let path = Path::new(OsStr::from_bytes(&module.path));
    let (start, end) = module.mapped;
    let pid = module.pid;
    let mapping = PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", start.0, end.0));
    let in_root = PathBuf::from(format!("/proc/{pid}/root{}", path.display()));
    let mut others = Vec::new();
    let mut is_alike = false;
    for candidate in [&mapping, &in_root, path] {
        let Some((file, metadata)) = open_regular(candidate) else {
            continue;
        };
        let is_same_inode = metadata.ino() == module.identity.inode || is_on_overlay(&file);
        if is_same_inode && is_same_content(&metadata, &module.identity) {
            return Opened::Known(file);
        }
        is_alike |= candidate == mapping && is_same_content(&metadata, &module.identity);
        others.push(file);
    }
    // what is mapped there by now may be another file that was written at the same moment, so
    // that it is alike counts only where no path leads to the very file
    if is_alike {
        return Opened::Known(others.swap_remove(0));
    }
    Opened::Unknown(others)
}

/// Opens a regular file, to be held; none where there is something else.
pub(super) fn open_regular(path: &Path) -> Option<(File, fs::Metadata)> {
    let file = regular::hold(path).ok()?;
    let metadata = file.metadata().ok()?;
    Some((file, metadata))
}

/// A file that overlayfs copied into its upper layer has a new inode there, which is the
/// one that is mapped; to us it keeps the number that it had.
fn is_on_overlay(file: &File) -> bool {
    fstatfs(file).is_ok_and(|found| found.f_type == OVERLAYFS_SUPER_MAGIC)
}

/// Compares what a file without a build id is known by.
pub(super) fn is_same_file(metadata: &fs::Metadata, identity: &FileIdentity) -> bool {
    identity.size > 0 && metadata.ino() == identity.inode && is_same_content(metadata, identity)
}

/// Compares size and modification time. An identity without a size came without the rest.
pub(super) fn is_same_content(metadata: &fs::Metadata, identity: &FileIdentity) -> bool {
    if identity.size == 0 {
        return true;
    }
    let mtime_ns = metadata
        .mtime()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(metadata.mtime_nsec())
        .cast_unsigned();
    metadata.size() == identity.size && mtime_ns == identity.mtime_ns
}
