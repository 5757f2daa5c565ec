//! The file system in which the kernel tells its tracepoints, mounted or not.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::error::{Context as _, Error, Result};
use crate::privileges::{Use, in_effect};

/// Where it is mounted by itself, or below debugfs.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// What tells it from the empty directory that it is mounted on.
const EVENTS: &str = "events";
/// Bytes of a file of it, at most.
const FILE_MAX: u64 = 16 << 20;

/// The file system, open.
#[derive(Debug)]
pub struct TraceFs(OwnedFd);

impl TraceFs {
    /// Reads one of its files; `None` when there is none of that name.
    ///
    /// # Errors
    /// When neither reading nor mounting it is allowed, or the kernel has none.
    pub fn read_file(path: &str) -> Result<Option<String>> {
        let _capture = in_effect(Use::Capture);
        // by default only root may read it
        let _symbols = in_effect(Use::Symbols);
        Self::open()?.read(path)
    }

    /// Opens it where it is mounted; or else mounts it, where nobody else sees it.
    fn open() -> Result<Self> {
        let mut denied = None;
        for place in PLACES {
            let found = openat(CWD, place, directory(), Mode::empty()).map(Self);
            match found.and_then(|found| found.open_at(EVENTS, directory()).map(|_| found)) {
                Ok(found) => return Ok(found),
                Err(Errno::ACCESS) => denied = denied.or(Some(place)),
                Err(_) => {}
            }
        }
        mount().map(Self).map_err(|error| match denied {
            Some(place) => Error::failed(format!(
                "failed to read tracefs, which numbers tracepoints: only root may read `{place}`"
            ))
            .with_hint(format!(
                "run somno as root, or let others read it: sudo mount -o remount,mode=755 {place}"
            )),
            None => Error::failed(format!("failed to mount tracefs: {error}"))
                .with_hint("run somno as root, or: sudo mount -t tracefs none /sys/kernel/tracing"),
        })
    }

    fn read(&self, path: &str) -> Result<Option<String>> {
        use std::io::Read as _;

        let opened = match self.open_at(path, OFlags::RDONLY | OFlags::CLOEXEC) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened.map_err(io::Error::from),
        };
        let read = opened.and_then(|fd| {
            let mut text = String::new();
            let file = std::fs::File::from(fd);
            file.take(FILE_MAX).read_to_string(&mut text)?;
            Ok(text)
        });
        let text = read.context(|| format!("read `{path}` in tracefs"))?;
        Ok(Some(text))
    }

    fn open_at(&self, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        openat(&self.0, path, flags, Mode::empty())
    }
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

fn mount() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY;
    Ok(fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )?)
}
