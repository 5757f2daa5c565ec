//! Debug files that are kept, in the layout of elfutils' client: `HEX/debuginfo`, empty
//! where no server had it.
//!
//! somno is root, and the path may lead through directories of somebody who is not. Such
//! a one is not entered, nor is a link: the cache is somno's own user's, or is not used.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::symbolize::regular;

const NAME: &str = "debuginfo";
/// The file in which elfutils keeps for how many seconds absence is believed.
const ABSENCE_BELIEVED: &str = "cache_miss_s";
const ABSENCE_BELIEVED_DEFAULT: Duration = Duration::from_secs(600);

/// Where a file goes for this run only. A debug file may be too large for memory, where
/// `/tmp` may be.
const ELSEWHERE: &str = "/var/tmp";

/// A directory of debug files.
#[derive(Debug)]
pub struct Cache {
    root: OwnedFd,
}

/// What the cache knows of a build id.
#[derive(Debug)]
pub enum Cached {
    /// This file.
    File(File),
    /// No server had it lately.
    Absent,
    /// Nothing.
    Unknown,
}

/// A file that is being written; it goes if it is not [kept](Self::keep).
#[derive(Debug)]
pub struct Unfinished {
    /// What to write to.
    pub file: File,
    /// Where it is, unless it has no name and is for this run only.
    place: Option<(OwnedFd, String)>,
}

impl Cache {
    /// Opens a cache, and makes it where there is none.
    ///
    /// # Errors
    /// When it is not to be trusted, or cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut root = fs::open("/", flags, Mode::empty())?;
        if !path.is_absolute() {
            return Err(io::Error::other("the path does not begin with /"));
        }
        for part in path.components() {
            match part {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) => root = enter(&root, Path::new(name))?,
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(io::Error::other("the path has .. in it"));
                }
            }
        }
        Ok(Self { root })
    }

    /// Looks a build id up, by its hexadecimal digits.
    #[must_use]
    pub fn look_up(&self, build_id: &str) -> Cached {
        let Ok(directory) = open_trusted(&self.root, Path::new(build_id)) else {
            return Cached::Unknown;
        };
        let Ok((file, metadata)) = regular::open_in(&directory, NAME).and_then(|file| {
            let metadata = file.metadata()?;
            Ok((file, metadata))
        }) else {
            return Cached::Unknown;
        };
        if metadata.size() > 0 {
            return Cached::File(file);
        }
        let age = metadata
            .modified()
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if age.is_some_and(|age| age < self.absence_believed()) {
            Cached::Absent
        } else {
            Cached::Unknown
        }
    }

    fn absence_believed(&self) -> Duration {
        let read = || {
            let mut text = String::new();
            let file = regular::open_in(&self.root, ABSENCE_BELIEVED).ok()?;
            file.take(32).read_to_string(&mut text).ok()?;
            Some(Duration::from_secs(text.trim().parse().ok()?))
        };
        read().unwrap_or(ABSENCE_BELIEVED_DEFAULT)
    }

    /// Begins a file for a build id, under a name of its own.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn create(&self, build_id: &str) -> io::Result<Unfinished> {
        let directory = enter(&self.root, Path::new(build_id))?;
        let name = format!("{NAME}.{}", std::process::id());
        // of one that was killed
        let _ = fs::unlinkat(&directory, name.as_str(), AtFlags::empty());
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&directory, name.as_str(), flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Unfinished {
            file: file.into(),
            place: Some((directory, name)),
        })
    }
}

impl Unfinished {
    /// Begins a file without a name.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn for_this_run() -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = fs::open(ELSEWHERE, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self {
            file: file.into(),
            place: None,
        })
    }

    /// Gives the file its name, if it is to have one. An empty one stands for absence.
    pub fn keep(mut self) {
        if let Some((directory, name)) = self.place.take()
            && fs::renameat(&directory, name.as_str(), &directory, NAME).is_err()
        {
            self.place = Some((directory, name));
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some((directory, name)) = &self.place {
            let _ = fs::unlinkat(directory, name.as_str(), AtFlags::empty());
        }
    }
}

/// Opens a directory in another one, and makes it where there is none.
fn enter(directory: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    match fs::mkdirat(directory, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => open_trusted(directory, name),
        // who may not write there may still go through
        Err(error) => open_trusted(directory, name).map_err(|_| error.into()),
    }
}

/// Opens a directory in another one; no link to one, and none in which others than root
/// and this user put what they like.
fn open_trusted(directory: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let refuse = |why| io::Error::other(format!("`{}` {why}", name.display()));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = match fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(refuse("is no directory")),
        found => found?,
    };
    let stat = fs::fstat(&found)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
        return Err(refuse("is another user's"));
    }
    if mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX) {
        return Err(refuse("can be written by other users"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const BUILD_ID: &str = "0a1b2c";

    /// A cache in a directory that goes with the test.
    fn cache() -> (tempfile::TempDir, Cache) {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let cache = Cache::open(&room.path().join("a/b")).expect("the directories are ours");
        (room, cache)
    }

    fn write(cache: &Cache, content: &str) {
        let mut unfinished = cache.create(BUILD_ID).expect("the directory is ours");
        let written = unfinished.file.write_all(content.as_bytes());
        written.expect("it is ours");
        unfinished.keep();
    }

    /// Check that what was kept is found, under the name that elfutils gives it.
    #[test]
    fn files_are_kept() {
        let (room, cache) = cache();
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Unknown));
        write(&cache, "content");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::File(_)));
        let path = room.path().join("a/b/0a1b2c/debuginfo");
        assert_eq!(std::fs::read(path).expect("it was kept"), b"content");
    }

    /// Check that nothing stays of a file that was not kept.
    #[test]
    fn unfinished_files_go() {
        let (room, cache) = cache();
        drop(cache.create(BUILD_ID).expect("the directory is ours"));
        let directory = room.path().join("a/b").join(BUILD_ID);
        assert_eq!(directory.read_dir().expect("it was made").count(), 0);
    }

    /// Check that absence is remembered for as long as elfutils is told to, and is asked for anew
    /// where the wall clock was set back since.
    #[test]
    fn absence_is_remembered_for_a_while() {
        let (room, cache) = cache();
        write(&cache, "");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Absent));
        // of an absence that is yet to come nobody knows how old it is
        let noted = std::fs::File::open(room.path().join("a/b/0a1b2c/debuginfo"));
        let later = SystemTime::now() + Duration::from_secs(3600);
        let noted = noted.expect("it was kept");
        noted.set_modified(later).expect("it is ours");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Unknown));
        write(&cache, "");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Absent));
        let believed = room.path().join("a/b").join(ABSENCE_BELIEVED);
        std::fs::write(believed, "0").expect("it is ours");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Unknown));
    }

    /// Check that links are not followed, wherever they are, and directories that others
    /// can write not used.
    #[test]
    fn only_own_directories_are_used() {
        let (room, cache) = cache();
        let path = |name: &str| room.path().join(name);
        symlink("a", path("link")).expect("it is ours");
        assert!(Cache::open(&path("link/b")).is_err());
        assert!(Cache::open(&path("a/../a/b")).is_err());
        assert!(Cache::open(Path::new("a/b")).is_err());

        std::fs::create_dir(path("a/b/0a1b2c")).expect("it is ours");
        symlink("/etc/passwd", path("a/b/0a1b2c/debuginfo")).expect("it is ours");
        assert!(matches!(cache.look_up(BUILD_ID), Cached::Unknown));

        let open_to_all = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(path("a"), open_to_all).expect("it is ours");
        assert!(Cache::open(&path("a/b")).is_err());
    }
}
