//! From the target that was named to one that is sampled, and to its end.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid as RawPid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::capture::Session;
use crate::capture::cgroup::Cgroup;
use crate::capture::console::Terminal;
use crate::capture::launch::{RunAs, Suspended};
use crate::capture::options::Options;
use crate::capture::targets::{Target, open_process, open_task};
use crate::command::{Verbosity, say, sudo_caller};
use crate::config::{SamplingConfig, TargetConfig};
use crate::error::{Context as _, Error, Result};
use crate::id::{Pid, Tid};
use crate::proc::cpus;
use crate::text;

/// What a command is given to end in after it was asked to.
const TIME_TO_END: Duration = Duration::from_secs(5);

/// Why sampling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The target is gone.
    Target,
    /// The time is over.
    Duration,
    /// A signal came.
    Signal,
    /// What was sampled could not be written: no reason to end a command.
    Failed,
}

/// A target with events open on it.
#[derive(Debug)]
pub(crate) struct Attached {
    kind: Kind,
    description: String,
}

#[derive(Debug)]
enum Kind {
    /// Runs for as long as one of these does.
    Watched(Vec<OwnedFd>),
    /// Has no end of its own.
    System,
    /// Runs until it is removed.
    Cgroup(Cgroup),
    /// Not released yet.
    Suspended(Suspended),
    /// Our child.
    Running {
        child: Child,
        pidfd: Option<OwnedFd>,
    },
    /// Our child, ended.
    Ended(ExitStatus),
}

impl Attached {
    /// Opens events on what the configuration names; a command waits still. It runs on a
    /// terminal of its own where one is given.
    pub(crate) fn attach(
        session: &mut Session<'_>,
        config: &SamplingConfig,
        cgroup: Option<Cgroup>,
        options: &Options,
        terminal: Option<Terminal>,
    ) -> Result<Self> {
        let cpus = cpus_to_sample(&config.narrowing.cpus)?;
        if let Some(cgroup) = cgroup {
            session.attach(&Target::Cgroup(cgroup.as_fd(), cpus), options)?;
            return Ok(Self {
                description: text::clean(&format!("cgroup {}", cgroup.path().display())),
                kind: Kind::Cgroup(cgroup),
            });
        }
        let (kind, target, description) = match &config.target {
            TargetConfig::Cgroup(_) => unreachable!("it was found before"),
            TargetConfig::All => (Kind::System, Target::Cpus(cpus), "system".into()),
            TargetConfig::Processes(pids) => (
                Kind::Watched(watch(pids)?),
                Target::Processes(pids.clone()),
                describe("process", "processes", pids.iter().map(|pid| pid.0)),
            ),
            TargetConfig::Threads(tids) => (
                Kind::Watched(Vec::new()),
                Target::Threads(tids.clone()),
                describe("thread", "threads", tids.iter().map(|tid| tid.0)),
            ),
            TargetConfig::Command { arguments, as_root } => {
                let suspended = Suspended::launch(arguments, run_as(*as_root)?, terminal)?;
                let target = Target::Command(suspended.pid());
                let words: Vec<_> = arguments
                    .iter()
                    .map(|word| word.to_string_lossy())
                    .collect();
                (
                    Kind::Suspended(suspended),
                    target,
                    text::clean(&words.join(" ")),
                )
            }
        };
        session.attach(&target, options)?;
        let kind = match (kind, &config.target) {
            (Kind::Watched(_), TargetConfig::Threads(tids)) => Kind::Watched(watch_threads(tids)?),
            (kind, _) => kind,
        };
        Ok(Self { kind, description })
    }

    /// Lets a command begin.
    pub(crate) fn release(&mut self) -> Result<()> {
        let kind = std::mem::replace(&mut self.kind, Kind::System);
        self.kind = match kind {
            Kind::Suspended(suspended) => {
                let child = suspended.release()?;
                let pidfd = RawPid::from_raw(child.id().cast_signed())
                    .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
                Kind::Running { child, pidfd }
            }
            other => other,
        };
        Ok(())
    }

    /// Descriptors that are readable when something ended.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Watched(fds) => fds.iter().map(OwnedFd::as_fd).collect(),
            Kind::Running { pidfd, .. } => pidfd.iter().map(OwnedFd::as_fd).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether nothing of the target is left.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        match &mut self.kind {
            Kind::System | Kind::Suspended(_) => Ok(false),
            Kind::Cgroup(cgroup) => Ok(cgroup.is_gone()),
            Kind::Watched(fds) => {
                fds.retain(|fd| !is_readable(fd.as_fd()));
                Ok(fds.is_empty())
            }
            Kind::Running { child, .. } => {
                let status = child.try_wait().context(|| "wait for the command".into())?;
                if let Some(status) = status {
                    self.kind = Kind::Ended(status);
                }
                Ok(status.is_some())
            }
            Kind::Ended(_) => Ok(true),
        }
    }

    /// How it ended, for people.
    pub(crate) fn describe_end(&self) -> String {
        match &self.kind {
            Kind::Ended(status) => match (status.code(), status.signal()) {
                (Some(0), _) => "the command has ended".into(),
                (Some(code), _) => format!("the command has ended with status {code}"),
                (None, Some(signal)) => format!("the command was ended by signal {signal}"),
                (None, None) => "the command is gone".into(),
            },
            _ => format!("{} has ended", self.description),
        }
    }

    /// What was sampled, for people.
    pub(crate) fn describe(&self) -> String {
        self.description.clone()
    }

    /// Sees a command to its end and returns the exit status to pass on. One
    /// that outlived sampling is asked to end; that it did then is no failure.
    pub(crate) fn end(self, end: End, verbosity: Verbosity) -> Result<u8> {
        let is_told = verbosity > Verbosity::Quiet;
        match self.kind {
            Kind::Ended(status) => {
                if status.signal().is_some() && is_told {
                    say(&format!("somno: {}", self.describe_end()));
                }
                Ok(exit_status(status))
            }
            Kind::Running { mut child, .. } if end == End::Failed => {
                let status = child.wait().context(|| "wait for the command".into())?;
                Ok(exit_status(status))
            }
            Kind::Running { mut child, .. } => {
                if let Some(pid) = RawPid::from_raw(child.id().cast_signed()) {
                    // It may have ended by itself just now.
                    let _ = kill_process(pid, Signal::TERM);
                }
                let status = wait_a_while(&mut child, is_told)?;
                let by_us = [Signal::TERM, Signal::KILL]
                    .iter()
                    .any(|signal| status.signal() == Some(signal.as_raw()));
                Ok(if by_us && end == End::Duration {
                    0
                } else {
                    exit_status(status)
                })
            }
            _ => Ok(0),
        }
    }
}

/// Waits for a command that was asked to end, and ends one that does not.
fn wait_a_while(child: &mut Child, is_told: bool) -> Result<ExitStatus> {
    let began = Instant::now();
    let mut to_tell = is_told;
    while began.elapsed() < TIME_TO_END {
        if let Some(status) = child.try_wait().context(|| "wait for the command".into())? {
            return Ok(status);
        }
        if to_tell && began.elapsed() > TIME_TO_END / 10 {
            say(&format!(
                "somno: waiting for the command, process {}, to end; it is killed after {TIME_TO_END:?}",
                child.id()
            ));
            to_tell = false;
        }
        std::thread::sleep(TIME_TO_END / 500);
    }
    child.kill().context(|| "end the command".into())?;
    child.wait().context(|| "wait for the command".into())
}

/// As a shell has it: 128 + signal when killed.
fn exit_status(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

fn describe(one: &str, many: &str, ids: impl Iterator<Item = u32>) -> String {
    let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
    let what = if ids.len() == 1 { one } else { many };
    format!("{what} {}", ids.join(", "))
}

fn cpus_to_sample(wanted: &[u16]) -> Result<Vec<u16>> {
    let online = cpus::online(u16::MAX)?;
    if wanted.is_empty() {
        return Ok(online);
    }
    if let Some(missing) = wanted.iter().find(|cpu| !online.contains(cpu)) {
        return Err(Error::usage(format!("CPU {missing} is not online")));
    }
    Ok(wanted.to_vec())
}

fn watch(pids: &[Pid]) -> Result<Vec<OwnedFd>> {
    pids.iter().map(|&pid| open_process(pid)).collect()
}

/// Descriptors of threads; one that is gone by now is missing.
fn watch_threads(tids: &[Tid]) -> Result<Vec<OwnedFd>> {
    tids.iter()
        .filter_map(|&tid| open_task(tid).transpose())
        .collect()
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Whom a command runs as, if not as we do.
fn run_as(as_root: bool) -> Result<Option<RunAs>> {
    if as_root || !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    match sudo_caller() {
        None | Some(0) => Ok(None),
        Some(uid) => RunAs::lookup(uid).map(Some),
    }
}
