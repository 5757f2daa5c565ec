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
use std::sync::{Arc, OnceLock};

use rustix::time::{ClockId, clock_gettime};

use super::Key;
use crate::id::Pid;
use crate::proc::maps::{self, Mapping};
use crate::proc::stat;
use crate::proc::status::{self, Identity};
use crate::profile::names::Unnamed;
use crate::symbolize::patient::Patient;
use crate::symbolize::{opening, regular};
use crate::time::ProcessStart;

/// The root user, whose files are believed of everybody.
const ROOT: u32 = 0;
/// A file's time may lie so much before the moment that it was written, in nanoseconds:
/// it is taken from a clock that ticks.
const CLOCK_TICK: i128 = 10_000_000;

/// Whoever looks for files.
pub(super) type Searcher = Patient<Look, Result<Found, Unnamed>>;

/// Makes one, which has no thread before there is somewhere to look.
pub(super) fn searcher() -> Searcher {
    opening::on_files_thread(Look::search)
}

/// A question: what a process wrote until now.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) key: Key,
    /// Whose files are believed of a process that is gone already.
    pub(super) caller: Option<u32>,
    /// Where to look. It is empty until a look finds the process there, and the next one may not.
    pub(super) home: Arc<OnceLock<Home>>,
}

impl Look {
    fn search(&self) -> Result<Found, Unnamed> {
        let (pid, start) = self.key;
        // Where stacks are taken in the interrupt, nobody says when a process started.
        let start = match start {
            ProcessStart(0) => stat::start(pid).unwrap_or(start),
            known => known,
        };
        if self.home.get().is_none()
            && let Some(home) = Home::of(pid, start)
        {
            // nobody else looks at the process now
            let _ = self.home.set(home);
        }
        match self.home.get() {
            Some(home) => home.search(),
            None if start.0 > 0 => without_home(pid, start, self.caller),
            None => Err(Unnamed::NoJitMap),
        }
    }
}

/// The files of one process, at least one, by what names them.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) map: Option<Arc<File>>,
    pub(super) dump: Option<Arc<File>>,
}

/// What must be known of a process while it is there, to look for its files later.
#[derive(Debug)]
pub(super) struct Home {
    pid: Pid,
    start: ProcessStart,
    identity: Identity,
    /// How far the wall clock was ahead when it was looked at.
    lead: Lead,
    /// Its `/tmp`, which is there for as long as this is held.
    tmp: Option<OwnedFd>,
}

impl Home {
    /// Looks at a process; nothing when it is not there any more.
    fn of(pid: Pid, start: ProcessStart) -> Option<Self> {
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
            lead: Lead::now(),
            tmp,
        };
        // Looked at last: now everything above was this process's.
        stat::is_process(pid, start).then_some(home)
    }

    /// Looks for both files.
    fn search(&self) -> Result<Found, Unnamed> {
        let dump = mapped_dump(self.pid, self.start);
        let map = hold_map(self.tmp.as_ref(), self.identity.inner_pid)
            .and_then(|map| self.believe(&map).map(|()| map));
        match map {
            Err(reason) if dump.is_none() => Err(reason),
            map => Ok(Found {
                map: map.ok().map(Arc::new),
                dump: dump.map(Arc::new),
            }),
        }
    }

    fn believe(&self, map: &File) -> Result<(), Unnamed> {
        let users = [ROOT, self.identity.user];
        believe(map, &users, self.pid, self.start, self.lead)
    }
}

/// Looks for the map of a process that was gone before anything was known about it.
fn without_home(pid: Pid, start: ProcessStart, caller: Option<u32>) -> Result<Found, Unnamed> {
    let map = hold_map(own_tmp().as_ref(), pid)?;
    let users = [ROOT, caller.unwrap_or(ROOT)];
    believe(&map, &users, pid, start, Lead::now())?;
    Ok(Found {
        map: Some(Arc::new(map)),
        dump: None,
    })
}

fn own_tmp() -> Option<OwnedFd> {
    regular::open_directory(Path::new("/tmp")).ok()
}

fn root_of(pid: Pid) -> io::Result<OwnedFd> {
    regular::open_directory(Path::new(&format!("/proc/{pid}/root")))
}

fn hold_map(tmp: Option<&OwnedFd>, pid: Pid) -> Result<File, Unnamed> {
    let tmp = tmp.ok_or(Unnamed::NoJitMap)?;
    regular::hold_in(tmp, &format!("perf-{pid}.map")).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Unnamed::NoJitMap,
        _ => Unnamed::JitMapRefused,
    })
}

/// Refuses what somebody else wrote: another user, or a process that had the pid before
/// or has it now. The wall clock may have been set since the file was written, so its time is
/// read by the lead of then and by that of now.
fn believe(
    map: &File,
    users: &[u32],
    pid: Pid,
    start: ProcessStart,
    then: Lead,
) -> Result<(), Unnamed> {
    let metadata = map.metadata().map_err(|_| Unnamed::JitMapRefused)?;
    let successor = stat::successor(pid, start);
    let was_there = |lead: Lead| {
        let written = lead.boot_time_of_change(&metadata);
        written + CLOCK_TICK >= i128::from(start.0)
            && successor.is_none_or(|successor| written < i128::from(successor.0))
    };
    if users.contains(&metadata.uid()) && [then, Lead::now()].into_iter().any(was_there) {
        Ok(())
    } else {
        Err(Unnamed::JitMapRefused)
    }
}

/// How far the wall clock is ahead of the one by which processes start, in nanoseconds; another
/// number whenever somebody sets it.
#[derive(Clone, Copy, Debug)]
struct Lead(i128);

impl Lead {
    fn now() -> Self {
        let now = |clock| {
            let time = clock_gettime(clock);
            nanoseconds(time.tv_sec, time.tv_nsec)
        };
        Self(now(ClockId::Realtime) - now(ClockId::Boottime))
    }

    /// When a file was written, on the clock by which processes start.
    fn boot_time_of_change(self, metadata: &Metadata) -> i128 {
        nanoseconds(metadata.mtime(), metadata.mtime_nsec()) - self.0
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

/// Finds the dump that a process has mapped, as the format asks of it, for others to find.
fn mapped_dump(pid: Pid, start: ProcessStart) -> Option<File> {
    let mappings = maps::executable(pid).ok()?;
    let mapping = mappings.iter().rfind(|mapping| is_dump(&mapping.path))?;
    let Mapping {
        start: from, end, ..
    } = mapping;
    let path = format!("/proc/{pid}/map_files/{:x}-{:x}", from.0, end.0);
    let dump = regular::hold(Path::new(&path)).ok()?;
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

    const HOUR: Duration = Duration::from_secs(3600);

    /// A new map, of this user.
    fn map() -> (File, u32) {
        let map = tempfile::tempfile().expect("there is room for temporary files");
        let user = map.metadata().expect("it is open").uid();
        (map, user)
    }

    /// Check that a map is believed that this process's user wrote while it was there.
    #[test]
    fn strangers_are_not_believed() {
        let (pid, start) = own();
        let (map, user) = map();
        let believe = |user, start| believe(&map, &[user], pid, start, Lead::now());
        assert_eq!(believe(user, start), Ok(()));
        assert_eq!(believe(user + 1, start), Err(Unnamed::JitMapRefused));
        let later = SystemTime::now() + Duration::from_secs(1);
        map.set_modified(later).expect("it is ours");
        let predecessor = ProcessStart(start.0 - 1_000_000_000);
        assert_eq!(
            believe(user, predecessor),
            Err(Unnamed::JitMapRefused),
            "it was written when this process had the pid already"
        );
        let before = SystemTime::now() - Duration::from_secs(100_000_000);
        map.set_modified(before).expect("it is ours");
        assert_eq!(believe(user, start), Err(Unnamed::JitMapRefused));
    }

    /// Check that a map is believed though the wall clock was set after it was written: an hour
    /// forward or back.
    #[test]
    fn clock_may_be_set() {
        let (pid, start) = own();
        let (map, user) = map();
        let Lead(now) = Lead::now();
        let (before, after) = (SystemTime::now() - HOUR, SystemTime::now() + HOUR);
        let hour = nanoseconds(3600, 0);
        for (modified, then) in [(before, now - hour), (after, now + hour)] {
            map.set_modified(modified).expect("it is ours");
            assert_eq!(believe(&map, &[user], pid, start, Lead(then)), Ok(()));
        }
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
