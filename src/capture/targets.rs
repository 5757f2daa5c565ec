//! Finds what to sample and opens an event on each.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::process::{Pid as RawPid, PidfdFlags, pidfd_open};

use crate::bpf::Programs;
use crate::bpf::abi::Following;
use crate::capture::event_name;
use crate::capture::perf::{Attributes, PerfEvent, Scope};
use crate::error::{Context as _, Error, Result};
use crate::id::{Pid, Tid};
use crate::privileges::{Use, in_effect};
use crate::proc::tasks;

/// What is sampled.
#[derive(Clone, Debug)]
pub enum Target<'a> {
    /// All threads of these processes.
    Processes(Vec<Pid>),
    /// These threads.
    Threads(Vec<Tid>),
    /// Whatever runs on these CPUs.
    Cpus(Vec<u16>),
    /// Whatever of this cgroup, an open directory, runs on these CPUs.
    Cgroup(BorrowedFd<'a>, Vec<u16>),
    /// A command that was just launched.
    Command(Pid),
}

/// An event that is to be opened on each thread or CPU.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How the user spelled it.
    pub name: String,
    /// How it is opened.
    pub attributes: Attributes,
}

/// A thread or CPU that is followed: with its events, where there are to be any.
pub type Followed = Vec<PerfEvent>;

/// Follows everything that the target names, and opens events with the sampling program on it.
///
/// # Errors
/// When the target does not exist, or the kernel refuses.
pub fn follow(
    target: &Target<'_>,
    events: &[Wanted],
    programs: &Programs<'_>,
) -> Result<Vec<Followed>> {
    let opener = Opener { events, programs };
    match target {
        Target::Cpus(cpus) => {
            let scopes = cpus.iter().map(|&cpu| Scope::Cpu(cpu));
            scopes.map(|scope| opener.open_cpu(scope)).collect()
        }
        Target::Cgroup(cgroup, cpus) => {
            let scopes = cpus.iter().map(|&cpu| Scope::Cgroup(*cgroup, cpu));
            scopes.map(|scope| opener.open_cpu(scope)).collect()
        }
        Target::Threads(tids) => tids
            .iter()
            .map(|&tid| {
                opener
                    .open_thread(tid)?
                    .ok_or_else(|| gone("thread", tid.0))
            })
            .collect(),
        Target::Command(pid) => Ok(opener.open_thread(Tid(pid.0))?.into_iter().collect()),
        Target::Processes(pids) => {
            let mut events = Vec::new();
            for &pid in pids {
                events.extend(opener.open_process(pid)?);
            }
            Ok(events)
        }
    }
}

/// Opens events on one CPU, that of the scope.
///
/// # Errors
/// As [`follow`]; when the CPU is not online, too.
pub fn follow_cpu(
    scope: Scope<'_>,
    events: &[Wanted],
    programs: &Programs<'_>,
) -> Result<Followed> {
    Opener { events, programs }.open_cpu(scope)
}

fn gone(what: &str, id: u32) -> Error {
    Error::failed(format!("failed to look at {what} {id}: it does not exist"))
}

struct Opener<'a, 'obj> {
    events: &'a [Wanted],
    programs: &'a Programs<'obj>,
}

impl Opener<'_, '_> {
    fn open_cpu(&self, scope: Scope<'_>) -> Result<Followed> {
        let opened = self.open(scope);
        opened?.ok_or_else(|| Error::failed("failed to open the event: no such CPU"))
    }

    /// Opens events on all threads, listing them again until no new one appears.
    /// A thread that an event was inherited to is followed already.
    fn open_process(&self, pid: Pid) -> Result<Vec<Followed>> {
        let mut events = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            // where /proc hides processes of others
            let _files = in_effect(Use::Files);
            let threads = match tasks::threads(pid) {
                Ok(threads) => threads,
                Err(_) if seen.is_empty() => return Err(gone("process", pid.0)),
                Err(_) => break,
            };
            let new: Vec<_> = threads
                .into_iter()
                .filter(|&tid| seen.insert(tid))
                .collect();
            if new.is_empty() {
                break;
            }
            for tid in new {
                events.extend(self.open_thread(tid)?);
            }
        }
        // a process that has ended but was not waited for still has a thread in the list
        if events.is_empty() {
            return Err(gone("process", pid.0));
        }
        Ok(events)
    }

    /// `None` when the thread is gone or sampled already.
    fn open_thread(&self, tid: Tid) -> Result<Option<Followed>> {
        let Some(task) = open_task(tid)? else {
            return Ok(None);
        };
        if self.programs.is_followed(task.as_fd())? {
            return Ok(None);
        }
        let following = if self.events.is_empty() {
            Following::Opened
        } else {
            Following::Opening
        };
        if !self.programs.follow(task.as_fd(), following)? {
            return Ok(None);
        }
        let Some(events) = self.open(Scope::Thread(tid))? else {
            return Ok(None);
        };
        // if it has ended meanwhile, whom it made may have inherited these
        if following == Following::Opening {
            self.programs.follow(task.as_fd(), Following::Opened)?;
        }
        Ok(Some(events))
    }

    /// `None` when there is nothing of that scope any more.
    fn open(&self, scope: Scope<'_>) -> Result<Option<Followed>> {
        let mut opened = Vec::new();
        for event in self.events {
            let event = match PerfEvent::open(&event.attributes, scope) {
                Ok(event) => event,
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
                Err(error) => return Err(refused(event, scope, &error)),
            };
            let program = self.programs.on_sample();
            let attached = event.set_program(program);
            attached.context(|| "attach the sampling program".into())?;
            opened.push(event);
        }
        Ok(Some(opened))
    }
}

/// Opens a descriptor of a process, readable when it ends.
///
/// # Errors
/// When there is none of that number: a usage error where a thread has it.
pub fn open_process(pid: Pid) -> Result<OwnedFd> {
    let raw = i32::try_from(pid.0).ok().and_then(RawPid::from_raw);
    match raw.map(|raw| pidfd_open(raw, PidfdFlags::empty())) {
        Some(Ok(fd)) => Ok(fd),
        _ if tasks::exists(Tid(pid.0)) => {
            let said = Error::usage(format!("{pid} is a thread, not a process"));
            Err(said.with_hint(format!("use -t {pid}")))
        }
        _ => Err(gone("process", pid.0)),
    }
}

/// Opens a descriptor of one thread, readable when it ends; `None` when it is gone.
///
/// # Errors
/// What the kernel says, for another reason than that.
pub fn open_task(tid: Tid) -> Result<Option<OwnedFd>> {
    // PIDFD_THREAD, since Linux 6.9
    let flags = PidfdFlags::from_bits_retain(libc::O_EXCL.cast_unsigned());
    let Some(raw) = i32::try_from(tid.0).ok().and_then(RawPid::from_raw) else {
        return Ok(None);
    };
    match pidfd_open(raw, flags) {
        Ok(fd) => Ok(Some(fd)),
        Err(rustix::io::Errno::SRCH) => Ok(None),
        Err(error) => Err(io::Error::from(error)).context(|| format!("open thread {tid}")),
    }
}

/// Explains why an event could not be opened.
fn refused(event: &Wanted, scope: Scope<'_>, error: &io::Error) -> Error {
    let failed = |why: &str| {
        let name = &event.name;
        Error::failed(format!("failed to open the event `{name}`: {why}"))
    };
    if event.attributes.selector.needs_pmu() && !event_name::has_pmu() {
        return failed("this machine has no PMU that counts it, as most virtual machines")
            .with_hint("use -e cpu-clock; `somno list events` marks what is not here");
    }
    // what is a cgroup's and needs no PMU is not there only without perf's controller: in version
    // 2 it comes with the first other one that somebody turns on
    if matches!(scope, Scope::Cgroup(..)) && error.raw_os_error() == Some(libc::ENOENT) {
        return failed("perf's controller is off in this cgroup").with_hint(
            "turning any controller on turns it on as well: echo +pids >cgroup.subtree_control \
             in the topmost cgroup",
        );
    }
    let absent = [libc::ENOENT, libc::EOPNOTSUPP, libc::ENODEV];
    if error
        .raw_os_error()
        .is_some_and(|code| absent.contains(&code))
    {
        return failed("this machine does not have it")
            .with_hint("`somno list events` marks what is not here");
    }
    let failed = failed(&error.to_string());
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => failed.with_hint("`somno doctor` says what is missing"),
        Some(libc::EINVAL) => failed.with_hint("this event may not be one that can be sampled"),
        Some(libc::ENOSPC) => failed.with_hint("the CPU has no free watchpoint or counter left"),
        Some(libc::EMFILE | libc::ENFILE) => failed.with_hint("raise the limit of open files"),
        _ => failed,
    }
}
