//! The files behind modules: opened at first sight, and held until they are named.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{IoSliceMut, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use rustix::fs::{FsWord, MemfdFlags, fstatfs, memfd_create};

use blazesym::helper::read_elf_build_id;

use super::regular;
use crate::event::{BuildId, FileIdentity, Module, ModuleBuildId};
use crate::id::ModuleId;
use crate::privileges::{Use, in_effect};
use crate::profile::modules::ModuleInfo;
use crate::profile::names::{Unnamed, clean};

/// Files held open at a time; of those that were met first only the path is kept beyond that.
const FILES_HELD: usize = 4096;

/// `linux/magic.h`
const OVERLAYFS_SUPER_MAGIC: FsWord = 0x794c_7630;

/// Every module that was seen, with what could be opened of it.
#[derive(Debug)]
pub struct ModuleFiles {
    files: HashMap<ModuleId, ModuleFile>,
    held_at_most: usize,
    /// Those that are held open, in the order in which they were met.
    held: VecDeque<ModuleId>,
}

#[derive(Debug)]
struct ModuleFile {
    base_name: String,
    content: Content,
}

/// What there is of a module's file.
#[derive(Debug)]
enum Content {
    /// Open, whatever becomes of its name.
    Held(File),
    /// Named, to be opened when it is needed, if it is still the one that this was.
    Named(PathBuf, fs::Metadata),
    /// Open, but not known to be the one: its build id will tell.
    Unproven(Vec<(File, PathBuf)>),
    /// Nothing, for this reason.
    Missing(Unnamed),
}

impl Default for ModuleFiles {
    fn default() -> Self {
        Self::holding(FILES_HELD)
    }
}

impl ModuleFiles {
    /// Makes a table that knows the vDSO.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn holding(at_most: usize) -> Self {
        let vdso = ModuleFile {
            base_name: "vdso".into(),
            content: vdso().map_or(Content::Missing(Unnamed::NotOpened), Content::Held),
        };
        Self {
            files: HashMap::from([(ModuleId::VDSO, vdso)]),
            held_at_most: at_most,
            held: VecDeque::new(),
        }
    }

    /// Opens a module's file at once, while the process is likely to be there.
    pub fn add(&mut self, module: &Module) {
        let path = Path::new(OsStr::from_bytes(&module.path));
        self.insert(module.id, path, open(module, path));
    }

    /// Opens the file of a module that was recorded, maybe long ago and elsewhere: only
    /// what can be proven to be the same.
    pub fn add_recorded(&mut self, info: &ModuleInfo) {
        let path = Path::new(OsStr::from_bytes(&info.module.path));
        let candidate = open_regular(path);
        let content = match (candidate, &info.build_id) {
            (None, _) => Content::Missing(Unnamed::NotOpened),
            (Some((file, _)), Some(build_id))
                if read_build_id(&path_of(&file)).as_ref() == Some(build_id) =>
            {
                Content::Held(file)
            }
            (Some((file, metadata)), None) if is_same_file(&metadata, &info.module.identity) => {
                Content::Held(file)
            }
            (Some(_), _) => Content::Missing(Unnamed::Replaced),
        };
        self.insert(info.module.id, path, content);
    }

    /// Believes or dismisses what was opened for a module, now that its build id is known.
    pub fn prove(&mut self, notice: &ModuleBuildId) {
        let Some(file) = self.files.get_mut(&notice.module) else {
            return;
        };
        let _files = in_effect(Use::Files);
        let is_the_one = |path: &Path| match read_build_id(path) {
            Some(build_id) => build_id == notice.build_id,
            None => false,
        };
        match &mut file.content {
            Content::Held(held) if !is_the_one(&path_of(held)) => {
                file.content = Content::Missing(Unnamed::Replaced);
            }
            Content::Named(path, _) if !is_the_one(path) => {
                file.content = Content::Missing(Unnamed::Replaced);
            }
            Content::Unproven(candidates) => {
                let found = candidates
                    .drain(..)
                    .find(|(candidate, _)| is_the_one(&path_of(candidate)));
                file.content = found.map_or(Content::Missing(Unnamed::Replaced), |(file, _)| {
                    Content::Held(file)
                });
            }
            _ => {}
        }
    }

    fn insert(&mut self, id: ModuleId, path: &Path, content: Content) {
        let base_name = path
            .file_name()
            .map_or_else(|| "?".into(), |name| clean(&name.to_string_lossy()));
        if matches!(content, Content::Held(_) | Content::Unproven(_)) {
            self.held.push_back(id);
        }
        self.files.insert(id, ModuleFile { base_name, content });
        if self.held.len() > self.held_at_most
            && let Some(first) = self.held.pop_front()
            && let Some(file) = self.files.get_mut(&first)
        {
            file.content.close();
        }
    }

    /// How many modules were seen; the vDSO is not counted.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.files.len() as u64 - 1
    }

    /// The last part of a module's path.
    #[must_use]
    pub fn base_name(&self, module: ModuleId) -> String {
        self.files
            .get(&module)
            .map_or_else(|| "?".into(), |file| file.base_name.clone())
    }

    /// A path that leads to a module's content now.
    ///
    /// # Errors
    /// Why there is none.
    pub fn path(&self, module: ModuleId) -> Result<PathBuf, Unnamed> {
        let file = self.files.get(&module).ok_or(Unnamed::NotOpened)?;
        match &file.content {
            Content::Held(file) => Ok(path_of(file)),
            Content::Named(path, was) => match fs::metadata(path) {
                Ok(metadata) if is_unchanged(&metadata, was) => Ok(path.clone()),
                Ok(_) => Err(Unnamed::Replaced),
                Err(_) => Err(Unnamed::NotOpened),
            },
            Content::Unproven(_) => Err(Unnamed::Replaced),
            Content::Missing(reason) => Err(*reason),
        }
    }
}

impl Content {
    /// Keeps but the path of a file, to find it again.
    fn close(&mut self) {
        let named = |file: &File| {
            let path = fs::read_link(path_of(file)).ok()?;
            Some(Self::Named(path, file.metadata().ok()?))
        };
        let closed = match self {
            Self::Held(file) => named(file),
            Self::Unproven(_) => None,
            Self::Named(..) | Self::Missing(_) => return,
        };
        *self = closed.unwrap_or(Self::Missing(Unnamed::NotOpened));
    }
}

/// A path that leads to an open file.
fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// What a file calls itself; none where it does not, or is no ELF file.
fn read_build_id(path: &Path) -> Option<BuildId> {
    let build_id = read_elf_build_id(path).ok().flatten()?;
    Some(BuildId::new(&build_id))
}

/// Tries the mapping itself, then the path in the task's root, then in ours.
///
/// The mapping leads to the very file. A path may lead to another one by now; and the
/// file system that a file is mapped from (overlayfs, btrfs) may tell other numbers
/// inside than outside, so that what differs may be the one all the same.
fn open(module: &Module, path: &Path) -> Content {
    let (start, end) = module.mapped;
    let pid = module.pid;
    let mapping = PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", start.0, end.0));
    let in_root = PathBuf::from(format!("/proc/{pid}/root{}", path.display()));
    let mut others = Vec::new();
    let _files = in_effect(Use::Files);
    if let Some((file, metadata)) = open_regular(&mapping) {
        if is_same_content(&metadata, &module.identity) {
            return Content::Held(file);
        }
        others.push((file, mapping));
    }
    for candidate in [in_root, path.to_owned()] {
        let Some((file, metadata)) = open_regular(&candidate) else {
            continue;
        };
        let is_same_inode = metadata.ino() == module.identity.inode || is_on_overlay(&file);
        if is_same_inode && is_same_content(&metadata, &module.identity) {
            return Content::Held(file);
        }
        others.push((file, candidate));
    }
    if others.is_empty() {
        Content::Missing(Unnamed::NotOpened)
    } else {
        Content::Unproven(others)
    }
}

/// Opens a regular file; none where there is something else.
fn open_regular(path: &Path) -> Option<(File, fs::Metadata)> {
    let file = regular::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    Some((file, metadata))
}

/// A file that overlayfs copied into its upper layer has a new inode there, which is the
/// one that is mapped; to us it keeps the number that it had.
fn is_on_overlay(file: &File) -> bool {
    fstatfs(file).is_ok_and(|found| found.f_type == OVERLAYFS_SUPER_MAGIC)
}

/// Compares what a file without a build id is known by.
fn is_same_file(metadata: &fs::Metadata, identity: &FileIdentity) -> bool {
    identity.size > 0 && metadata.ino() == identity.inode && is_same_content(metadata, identity)
}

/// Compares what a file was with what its path leads to now.
fn is_unchanged(metadata: &fs::Metadata, was: &fs::Metadata) -> bool {
    let of = |metadata: &fs::Metadata| {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        (metadata.dev(), metadata.ino(), metadata.size(), modified)
    };
    of(metadata) == of(was)
}

/// Compares size and modification time. An identity without a size came without the rest.
fn is_same_content(metadata: &fs::Metadata, identity: &FileIdentity) -> bool {
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

/// A copy of the vDSO, which is the same in every process of this kernel, as a file.
fn vdso() -> Option<File> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"))?;
    let (range, _) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let mut image = vec![0; usize::try_from(end - start).ok()?];
    // /proc/self/mem is root's where the program has capabilities of its own
    let from = RemoteIoVec {
        base: usize::try_from(start).ok()?,
        len: image.len(),
    };
    let read = process_vm_readv(Pid::this(), &mut [IoSliceMut::new(&mut image)], &[from]).ok()?;
    if read < image.len() {
        return None;
    }
    let mut file = File::from(memfd_create("vdso", MemfdFlags::CLOEXEC).ok()?);
    file.write_all(&image).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::UserAddress;
    use crate::id::Pid;

    fn module_of(path: &Path, identity: FileIdentity) -> Module {
        Module {
            id: ModuleId(2),
            identity,
            path: path.as_os_str().as_bytes().to_vec(),
            deleted: false,
            pid: Pid(u32::MAX),
            mapped: (UserAddress(0), UserAddress(1)),
        }
    }

    fn identity_of(path: &Path) -> FileIdentity {
        let metadata = fs::metadata(path).expect("it exists");
        FileIdentity {
            device: 0,
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: (metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()).cast_unsigned(),
        }
    }

    /// Check that the file is accepted under its path, and another in its place is not.
    #[test]
    fn only_the_same_file_is_accepted() {
        let path = std::env::current_exe().expect("a test has a program");
        let identity = identity_of(&path);
        let mut files = ModuleFiles::new();
        files.add(&module_of(&path, identity));
        assert!(files.path(ModuleId(2)).is_ok());

        let other = FileIdentity {
            mtime_ns: identity.mtime_ns + 1,
            ..identity
        };
        files.add(&module_of(&path, other));
        assert_eq!(files.path(ModuleId(2)), Err(Unnamed::Replaced));
        assert_eq!(files.path(ModuleId(9)), Err(Unnamed::NotOpened));
    }

    /// Check that a file that was not known by its numbers is by its build id, and that
    /// one that was is dismissed when that is another.
    #[test]
    fn build_ids_prove() {
        let path = std::env::current_exe().expect("a test has a program");
        let identity = identity_of(&path);
        let elsewhere = FileIdentity {
            inode: identity.inode + 1,
            ..identity
        };
        let own = read_build_id(&path).expect("the linker makes one");
        let other = BuildId::new(b"another");
        for (identity, build_id, accepted) in [
            (identity, &own, true),
            (identity, &other, false),
            (elsewhere, &own, true),
            (elsewhere, &other, false),
        ] {
            let mut files = ModuleFiles::new();
            files.add(&module_of(&path, identity));
            files.prove(&ModuleBuildId {
                module: ModuleId(2),
                build_id: build_id.clone(),
            });
            assert_eq!(files.path(ModuleId(2)).is_ok(), accepted, "{identity:?}");
        }
    }

    /// Check that so many files are held, the latest, and that of those before them the path leads
    /// to the same file or to none.
    #[test]
    fn held_files_are_bounded() {
        let room = tempfile::tempdir().expect("there is room");
        let path = |number: u32| room.path().join(number.to_string());
        let mut files = ModuleFiles::holding(3);
        for number in 0..6 {
            fs::write(path(number), "content").expect("there is room");
            files.add(&Module {
                id: ModuleId(10 + number),
                ..module_of(&path(number), identity_of(&path(number)))
            });
        }
        assert_eq!(files.held, [13, 14, 15].map(ModuleId));
        fs::remove_file(path(0)).expect("it is there");
        fs::remove_file(path(1)).expect("it is there");
        fs::write(path(1), "another").expect("there is room");
        fs::remove_file(path(3)).expect("it is there");
        let found = |number: u32| files.path(ModuleId(10 + number));
        assert_eq!(found(0), Err(Unnamed::NotOpened));
        assert_eq!(found(1), Err(Unnamed::Replaced));
        assert_eq!(found(2), Ok(path(2)));
        assert!(found(3).is_ok(), "it is held");
    }

    /// Check that a device in a file's place is refused.
    #[test]
    fn devices_are_refused() {
        let path = Path::new("/dev/zero");
        let mut files = ModuleFiles::new();
        files.add(&module_of(path, identity_of(path)));
        assert_eq!(files.path(ModuleId(2)), Err(Unnamed::NotOpened));
    }
}
