//! The files behind modules: opened at first sight, and held until they are named.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

use super::names::{Unnamed, clean};
use crate::event::{FileIdentity, Module};
use crate::id::ModuleId;

/// Files held open at a time; of later ones only the path is kept.
const FILES_HELD: usize = 4096;

/// Every module that was seen, with what could be opened of it.
#[derive(Debug, Default)]
pub struct ModuleFiles {
    files: HashMap<ModuleId, ModuleFile>,
    held: usize,
}

#[derive(Debug)]
struct ModuleFile {
    base_name: String,
    content: Result<Content, Unnamed>,
}

#[derive(Debug)]
enum Content {
    /// Open, whatever becomes of its name.
    Held(File),
    /// Named, to be opened when it is needed.
    Named(PathBuf),
}

impl ModuleFiles {
    /// Makes a table that knows the vDSO.
    #[must_use]
    pub fn new() -> Self {
        let mut files = Self::default();
        files.files.insert(
            ModuleId::VDSO,
            ModuleFile {
                base_name: "vdso".into(),
                content: vdso().map(Content::Held).ok_or(Unnamed::NotOpened),
            },
        );
        files
    }

    /// Opens a module's file at once, while the process is likely to be there.
    pub fn add(&mut self, module: &Module) {
        let path = Path::new(OsStr::from_bytes(&module.path));
        let content = open(module, path).map(|(file, path)| {
            if self.held < FILES_HELD {
                self.held += 1;
                Content::Held(file)
            } else {
                Content::Named(path)
            }
        });
        let base_name = path
            .file_name()
            .map_or_else(|| "?".into(), |name| clean(&name.to_string_lossy()));
        self.files
            .insert(module.id, ModuleFile { base_name, content });
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
            Ok(Content::Held(file)) => {
                Ok(PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
            }
            Ok(Content::Named(path)) => Ok(path.clone()),
            Err(reason) => Err(*reason),
        }
    }
}

/// Tries the mapping itself, then the path in the task's root, then in ours.
fn open(module: &Module, path: &Path) -> Result<(File, PathBuf), Unnamed> {
    let (start, end) = module.mapped;
    let pid = module.pid;
    let mapping = PathBuf::from(format!("/proc/{pid}/map_files/{:x}-{:x}", start.0, end.0));
    let in_root = PathBuf::from(format!("/proc/{pid}/root{}", path.display()));
    let mut reason = Unnamed::NotOpened;
    for candidate in [mapping, in_root, path.to_owned()] {
        match open_checked(&candidate, &module.identity) {
            Ok(file) => return Ok((file, candidate)),
            Err(Unnamed::Replaced) => reason = Unnamed::Replaced,
            Err(_) => {}
        }
    }
    Err(reason)
}

/// Opens a regular file if it is the one that was mapped. A device or a FIFO is
/// not even opened: that could block or do something.
fn open_checked(path: &Path, identity: &FileIdentity) -> Result<File, Unnamed> {
    let metadata = fs::metadata(path).map_err(|_| Unnamed::NotOpened)?;
    if !metadata.is_file() {
        return Err(Unnamed::Replaced);
    }
    let file = File::open(path).map_err(|_| Unnamed::NotOpened)?;
    let metadata = file.metadata().map_err(|_| Unnamed::NotOpened)?;
    if is_same(&metadata, identity) {
        Ok(file)
    } else {
        Err(Unnamed::Replaced)
    }
}

/// Compares all but the device, which on overlayfs and btrfs is another one in
/// the kernel than to us. An identity without a size came without the rest.
fn is_same(metadata: &fs::Metadata, identity: &FileIdentity) -> bool {
    if identity.size == 0 {
        return metadata.ino() == identity.inode;
    }
    let mtime_ns = metadata
        .mtime()
        .wrapping_mul(1_000_000_000)
        .wrapping_add(metadata.mtime_nsec())
        .cast_unsigned();
    metadata.ino() == identity.inode
        && metadata.size() == identity.size
        && mtime_ns == identity.mtime_ns
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
    let memory = File::open("/proc/self/mem").ok()?;
    std::os::unix::fs::FileExt::read_exact_at(&memory, &mut image, start).ok()?;
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

    /// Check that a device in a file's place is refused.
    #[test]
    fn devices_are_refused() {
        let path = Path::new("/dev/zero");
        let mut files = ModuleFiles::new();
        files.add(&module_of(path, identity_of(path)));
        assert_eq!(files.path(ModuleId(2)), Err(Unnamed::Replaced));
    }
}
