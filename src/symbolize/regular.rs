//! Opening files that somebody else names: only regular ones, and without being led astray.
//!
//! What is held for long is held by a descriptor that only names a file. To close one that can be
//! read may ask the file system, which may never answer; to close such a one does not.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{self, CWD, FileType, Mode, OFlags, ResolveFlags};

/// Opens a directory by its path, for looking into it only.
///
/// # Errors
/// When there is none.
pub fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens a directory as a process with this root would: none of its links leads out.
///
/// # Errors
/// When there is none.
pub fn open_directory_in(root: impl AsFd, path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fs::openat2(root, path, flags, Mode::empty(), inside())?)
}

/// Opens the regular file of this name in a directory; no link to one.
///
/// # Errors
/// `NotFound` when there is nothing, `InvalidInput` when it is no regular file.
pub fn open_in(directory: impl AsFd, name: &str) -> io::Result<File> {
    reopen(&find_in(directory, name)?)
}

/// Opens a regular file by a path that the kernel made, links included.
///
/// # Errors
/// `NotFound` when there is nothing, `InvalidInput` when it is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    reopen(&find(path)?)
}

/// Does as [`open_in`], but returns what only names the file.
///
/// # Errors
/// Also when it could not be read.
pub fn hold_in(directory: impl AsFd, name: &str) -> io::Result<File> {
    only_named(find_in(directory, name)?)
}

/// Does as [`open`], but returns what only names the file.
///
/// # Errors
/// Also when it could not be read.
pub fn hold(path: &Path) -> io::Result<File> {
    only_named(find(path)?)
}

/// Opens what only names a file, for reading. A lease on it is not waited for.
///
/// # Errors
/// When it may not be read, or is not there any more.
pub fn reopen(named: &File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", named.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(fs::open(path, flags, Mode::empty())?.into())
}

fn find_in(directory: impl AsFd, name: &str) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = fs::openat2(directory, name, flags, Mode::empty(), inside())?;
    only_regular(found)
}

fn find(path: &Path) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    only_regular(fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Passes on what can be opened.
fn only_named(found: File) -> io::Result<File> {
    reopen(&found)?;
    Ok(found)
}

fn inside() -> ResolveFlags {
    ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS
}

/// To open a FIFO or a device may block or do something, so what is there is looked at
/// first, and then it is that very thing that is opened.
fn only_regular(found: OwnedFd) -> io::Result<File> {
    let kind = FileType::from_raw_mode(fs::fstat(&found)?.st_mode);
    if kind != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::fs::symlink;

    use super::*;

    fn kind_of_error(directory: &OwnedFd, name: &str) -> Option<ErrorKind> {
        open_in(directory, name).err().map(|error| error.kind())
    }

    /// Check that a file is opened, and nothing else, without waiting for anybody.
    #[test]
    fn only_regular_files_are_opened() {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let path = |name| room.path().join(name);
        std::fs::write(path("file"), "content").expect("it is ours");
        std::fs::create_dir(path("directory")).expect("it is ours");
        symlink("file", path("link")).expect("it is ours");
        fs::mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR, 0).expect("it is ours");

        let directory = open_directory(room.path()).expect("it was just made");
        let mut text = String::new();
        let mut file = open_in(&directory, "file").expect("it was just made");
        file.read_to_string(&mut text).expect("it is open");
        assert_eq!(text, "content");
        assert_eq!(
            kind_of_error(&directory, "missing"),
            Some(ErrorKind::NotFound)
        );
        for name in ["directory", "link", "fifo"] {
            let error = kind_of_error(&directory, name);
            assert_eq!(error, Some(ErrorKind::InvalidInput), "{name}");
        }
        assert!(open(&path("link")).is_ok());
        assert!(open(&path("fifo")).is_err());
    }

    /// Check that what only names a file leads to it when it has another name, or none.
    #[test]
    fn held_files_are_opened_again() {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let path = room.path().join("file");
        std::fs::write(&path, "content").expect("it is ours");
        let mut held = hold(&path).expect("it was just made");
        let mut text = String::new();
        assert!(held.read_to_string(&mut text).is_err(), "it only names it");
        std::fs::remove_file(&path).expect("it is there");
        std::fs::write(&path, "another").expect("it is ours");
        let mut file = reopen(&held).expect("it is held");
        file.read_to_string(&mut text).expect("it is open");
        assert_eq!(text, "content");
        let directory = open_directory(room.path()).expect("it was just made");
        assert!(hold_in(&directory, "file").is_ok());
        assert!(hold_in(&directory, "missing").is_err());
    }

    /// Check that a link cannot lead out of a root.
    #[test]
    fn roots_are_not_left() {
        let inside = tempfile::tempdir().expect("there is room for temporary files");
        std::fs::create_dir(inside.path().join("there")).expect("it is ours");
        symlink("/there", inside.path().join("inside")).expect("it is ours");
        symlink("/proc", inside.path().join("outside")).expect("it is ours");
        let root = open_directory(inside.path()).expect("it was just made");
        assert!(open_directory_in(&root, "inside").is_ok());
        assert!(open_directory_in(&root, "outside").is_err());
        assert!(open_directory_in(&root, "../../..").is_ok());
        assert!(open_directory_in(&root, "../../../proc").is_err());
    }
}
