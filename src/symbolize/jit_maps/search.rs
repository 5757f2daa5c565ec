//! Where a process writes its names, and what of that is to be believed.
//!
//! `perf-PID.map` is in the `/tmp` that the process sees, by the pid that it sees, and
//! anybody may put a file there; so it must be the process's user's or root's, and not be
//! older than the process. A dump is mapped by the process itself.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use crate::id::Pid;
use crate::proc::maps::{self, Mapping};
use crate::proc::stat;
use crate::proc::status::{self, Identity};
use crate::profile::names::Unnamed;
use crate::symbolize::regular;
use crate::time::ProcessStart;

/// The root user, whose files are believed of everybody.
const ROOT: u32 = 0;
/// A file's time may lie so much before the moment that it was written, in nanoseconds:
/// it is taken from a clock that ticks.
const CLOCK_TICK: i128 = 10_000_000;

/// The files of one process, at least one.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) map: Option<File>,
    pub(super) dump: Option<File>,
}

/// What must be known of a process while it is there, to look for its files later.
#[derive(Debug)]
pub(super) struct Home {
    pid: Pid,
    start: ProcessStart,
    identity: Identity,
    /// Its `/tmp`, which is there for as long as this is held.
    tmp: Option<OwnedFd>,
}

impl Home {
    /// Looks at a process; nothing when it is not there any more.
    pub(super) fn of(pid: Pid, start: ProcessStart) -> Option<Self> {
        let identity = status::identity(pid)?;
        let tmp = match root_of(pid) {
            Ok(root) => regular::open_directory_in(root, "tmp").ok(),
            // It has ended, and nobody asked how yet. That its root was ours is likely
            // where its pid is.
            Err(_) if identity.inner_pid == pid => own_tmp(),
            Err(_) => None,
        };
        let home = Self {
            pid,
            start,
            identity,
            tmp,
        };
        // Looked at last: now everything above was this process's.
        stat::is_process(pid, start).then_some(home)
    }

    /// Looks for both files.
    pub(super) fn search(&self) -> Result<Found, Unnamed> {
        let dump = mapped_dump(self.pid, self.start);
        let map = open_map(self.tmp.as_ref(), self.identity.inner_pid)
            .and_then(|map| self.believe(&map).map(|()| map));
        match map {
            Err(reason) if dump.is_none() => Err(reason),
            map => Ok(Found {
                map: map.ok(),
                dump,
            }),
        }
    }

    fn believe(&self, map: &File) -> Result<(), Unnamed> {
        believe(map, &[ROOT, self.identity.user], self.pid, self.start)
    }
}

/// Looks for the map of a process that was gone before anything was known about it.
pub(super) fn without_home(
    pid: Pid,
    start: ProcessStart,
    caller: Option<u32>,
) -> Result<Found, Unnamed> {
    let map = open_map(own_tmp().as_ref(), pid)?;
    believe(&map, &[ROOT, caller.unwrap_or(ROOT)], pid, start)?;
    Ok(Found {
        map: Some(map),
        dump: None,
    })
}

fn own_tmp() -> Option<OwnedFd> {
    regular::open_directory(Path::new("/tmp")).ok()
}

fn root_of(pid: Pid) -> io::Result<OwnedFd> {
    regular::open_directory(Path::new(&format!("/proc/{pid}/root")))
}

fn open_map(tmp: Option<&OwnedFd>, pid: Pid) -> Result<File, Unnamed> {
    let tmp = tmp.ok_or(Unnamed::NoJitMap)?;
    regular::open_in(tmp, &format!("perf-{pid}.map")).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Unnamed::NoJitMap,
        _ => Unnamed::JitMapRefused,
    })
}

/// Refuses what somebody else wrote: another user, or a process that had the pid before
/// or has it now.
fn believe(map: &File, users: &[u32], pid: Pid, start: ProcessStart) -> Result<(), Unnamed> {
    let metadata = map.metadata().map_err(|_| Unnamed::JitMapRefused)?;
    let written = boot_time_of_change(&metadata);
    let successor = stat::start(pid).filter(|_| !stat::is_process(pid, start));
    let is_believed = users.contains(&metadata.uid())
        && written + CLOCK_TICK >= i128::from(start.0)
        && successor.is_none_or(|successor| written < i128::from(successor.0));
    if is_believed {
        Ok(())
    } else {
        Err(Unnamed::JitMapRefused)
    }
}

/// When a file was written, on the clock by which processes start, in nanoseconds.
fn boot_time_of_change(metadata: &Metadata) -> i128 {
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let now = |clock| {
        let time = clock_gettime(clock);
        nanoseconds(time.tv_sec, time.tv_nsec)
    };
    let boot = now(ClockId::Realtime) - now(ClockId::Boottime);
    nanoseconds(metadata.mtime(), metadata.mtime_nsec()) - boot
}

/// Opens the dump that a process has mapped, as the format asks of it, for others to find.
fn mapped_dump(pid: Pid, start: ProcessStart) -> Option<File> {
    let mappings = maps::executable(pid).ok()?;
    let mapping = mappings.iter().rfind(|mapping| is_dump(&mapping.path))?;
    let Mapping {
        start: from, end, ..
    } = mapping;
    let path = format!("/proc/{pid}/map_files/{:x}-{:x}", from.0, end.0);
    let dump = regular::open(Path::new(&path)).ok()?;
    stat::is_process(pid, start).then_some(dump)
}

fn is_dump(path: &str) -> bool {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("jit-")
        .is_some_and(|rest| rest.strip_suffix(".dump").is_some())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn own() -> (Pid, ProcessStart) {
        let pid = Pid(std::process::id());
        (pid, stat::start(pid).expect("it is there"))
    }

    /// Check that a map is believed that this process's user wrote while it was there.
    #[test]
    fn strangers_are_not_believed() {
        let (pid, start) = own();
        let map = tempfile::tempfile().expect("there is room for temporary files");
        let user = map.metadata().expect("it is open").uid();
        assert_eq!(believe(&map, &[user], pid, start), Ok(()));
        assert_eq!(
            believe(&map, &[user + 1], pid, start),
            Err(Unnamed::JitMapRefused)
        );
        let later = SystemTime::now() + Duration::from_secs(1);
        map.set_modified(later).expect("it is ours");
        let predecessor = ProcessStart(start.0 - 1_000_000_000);
        assert_eq!(
            believe(&map, &[user], pid, predecessor),
            Err(Unnamed::JitMapRefused),
            "it was written when this process had the pid already"
        );
        let before = SystemTime::now() - Duration::from_secs(100_000_000);
        map.set_modified(before).expect("it is ours");
        assert_eq!(
            believe(&map, &[user], pid, start),
            Err(Unnamed::JitMapRefused)
        );
    }

    /// Check that dumps are known by their names.
    #[test]
    fn dumps_are_known() {
        for (path, expected) in [
            ("/tmp/a b/jit-12.dump", true),
            ("/jit-12.dump (deleted)", true),
            ("jit-12.dump", true),
            ("/tmp/jit-12.dump/x", false),
            ("/tmp/jit-12.dumped", false),
            ("/tmp/my-jit-12.dump", false),
            ("", false),
        ] {
            assert_eq!(is_dump(path), expected, "{path}");
        }
    }
}
