//! Starts a command suspended, so that sampling is in place before its first instruction.

use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use nix::unistd::{Gid, Uid, User, getgrouplist};
use rustix::io::Errno;
use signal_hook::consts::SIGCHLD;
use signal_hook::flag;

use crate::capture::console::Terminal;
use crate::error::{Context as _, Error, Kind, Result};
use crate::id::Pid;

/// A user that a command runs as, with everything that takes.
#[derive(Clone, Debug)]
pub struct RunAs {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    name: String,
    home: PathBuf,
}

impl RunAs {
    /// Looks a user up.
    ///
    /// # Errors
    /// When there is no such user, or the user database cannot be read.
    pub fn lookup(uid: u32) -> Result<Self> {
        let user = User::from_uid(Uid::from_raw(uid))
            .context(|| format!("look up user {uid}"))?
            .ok_or_else(|| Error::failed(format!("failed to look up user {uid}: no such user")))?;
        let name = CString::new(user.name.clone())
            .map_err(|_| Error::failed(format!("failed to look up user {uid}: bad name")))?;
        let groups = getgrouplist(&name, user.gid)
            .context(|| format!("look up the groups of {}", user.name))?;
        Ok(Self {
            uid: user.uid,
            gid: user.gid,
            groups,
            name: user.name,
            home: user.dir,
        })
    }

    /// Has a command run as the user, with the user's own directory.
    pub fn apply(self, command: &mut Command) {
        self.set_variables(command);
        // SAFETY: `become_user` makes system calls only: it neither allocates nor locks.
        unsafe { command.pre_exec(move || self.become_user()) };
    }

    fn set_variables(&self, command: &mut Command) {
        command.env("HOME", &self.home);
        command.env("USER", &self.name);
        command.env("LOGNAME", &self.name);
    }

    /// Becomes the user; between fork and exec, so without allocating.
    fn become_user(&self) -> io::Result<()> {
        nix::unistd::setgroups(&self.groups)?;
        nix::unistd::setgid(self.gid)?;
        nix::unistd::setuid(self.uid)?;
        Ok(())
    }
}

/// A command that waits for its release.
#[derive(Debug)]
pub struct Suspended {
    pid: Pid,
    name: String,
    release: PipeWriter,
    spawned: JoinHandle<io::Result<Child>>,
}

impl Suspended {
    /// Forks a process that waits just before it executes the command.
    ///
    /// The fork happens on a thread of its own, because the standard library
    /// returns from spawning only when the program runs; in return it is the
    /// standard library that tells why a program could not be executed.
    ///
    /// # Errors
    /// When no process can be made; `NotFound` and `NotExecutable` where that can be seen before
    /// anything has been written in the command's name.
    pub fn launch(
        command: &[OsString],
        run_as: Option<RunAs>,
        terminal: Option<Terminal>,
    ) -> Result<Self> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Error::usage("no command"))?;
        check_program(program)?;
        // Where our parent had us ignore it, nobody could wait for a child of ours. A program that is
        // executed has its own way again.
        flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))
            .context(|| "handle signals".into())?;
        let (mut ready, ready_in_child) = io::pipe().context(|| "create a pipe".into())?;
        let (go, release) = io::pipe().context(|| "create a pipe".into())?;

        let mut builder = Command::new(program);
        builder.args(arguments);
        if let Some(user) = &run_as {
            user.set_variables(&mut builder);
        }
        if let Some(terminal) = &terminal {
            put_on(&mut builder, terminal, run_as.as_ref())
                .context(|| "give the command its terminal".into())?;
        }
        let suspension = Suspension {
            ready: ready_in_child,
            go,
            release: release.as_raw_fd(),
            run_as,
            terminal,
        };
        // SAFETY: `wait` makes system calls only: it neither allocates nor locks.
        unsafe { builder.pre_exec(move || suspension.wait()) };

        let spawned = thread::Builder::new()
            .name("launch".into())
            .spawn(move || builder.spawn())
            .context(|| "start a thread".into())?;
        let mut pid = [0; 4];
        if ready.read_exact(&mut pid).is_err() {
            let error = match spawned.join() {
                Ok(Err(error)) => error.to_string(),
                _ => "the new process ended".into(),
            };
            return Err(Error::failed(format!("failed to start a process: {error}")));
        }
        Ok(Self {
            pid: Pid(u32::from_ne_bytes(pid)),
            name: program.to_string_lossy().into_owned(),
            release,
            spawned,
        })
    }

    /// The waiting process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Lets it execute the command.
    ///
    /// # Errors
    /// `NotFound` and `NotExecutable` as a shell tells them apart.
    pub fn release(mut self) -> Result<Child> {
        self.release
            .write_all(&[1])
            .context(|| format!("start `{}`", self.name))?;
        let child = self
            .spawned
            .join()
            .map_err(|_| Error::failed(format!("failed to start `{}`", self.name)))?;
        child.map_err(|error| cannot_execute(&self.name, &error))
    }
}

fn cannot_execute(name: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        _ => Kind::NotExecutable,
    };
    Error::new(kind, format!("failed to execute `{name}`: {error}"))
}

/// Looks for a program as executing it will, to say early that there is none: only executing it
/// tells for sure.
fn check_program(program: &OsStr) -> Result<()> {
    let candidates: Vec<_> = if program.as_bytes().contains(&b'/') {
        vec![PathBuf::from(program)]
    } else {
        let path = env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
        env::split_paths(&path)
            .map(|one| one.join(program))
            .collect()
    };
    let mut missing = Errno::NOENT;
    for candidate in candidates {
        match fs::metadata(&candidate) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                return Ok(());
            }
            Ok(_) => missing = Errno::ACCESS,
            // it may be there for the user whom the command runs as
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            Err(_) => {}
        }
    }
    Err(cannot_execute(&program.to_string_lossy(), &missing.into()))
}

/// Has a command read from and write to a terminal, which shows text only.
fn put_on(builder: &mut Command, terminal: &Terminal, run_as: Option<&RunAs>) -> io::Result<()> {
    if let Some(user) = run_as {
        terminal.give_to(user.uid.as_raw(), user.gid.as_raw())?;
    }
    builder
        .env("TERM", "dumb")
        .stdin(terminal.handle()?)
        .stdout(terminal.handle()?)
        .stderr(terminal.handle()?);
    Ok(())
}

/// What the child needs between fork and exec.
struct Suspension {
    ready: PipeWriter,
    go: PipeReader,
    /// The parent's end, of which the child has a copy until it executes.
    release: RawFd,
    run_as: Option<RunAs>,
    /// Where it runs, if not where we do.
    terminal: Option<Terminal>,
}

impl Suspension {
    /// Tells the pid and waits; fails when the parent has gone.
    fn wait(&self) -> io::Result<()> {
        // SAFETY: in the child nobody else uses its copy of this descriptor,
        // which would keep the pipe from ending with the parent.
        unsafe { libc::close(self.release) };
        if let Some(terminal) = &self.terminal {
            terminal.adopt()?;
        }
        (&self.ready).write_all(&std::process::id().to_ne_bytes())?;
        (&self.go).read_exact(&mut [0])?;
        self.run_as.as_ref().map_or(Ok(()), RunAs::become_user)
    }
}
