//! Starts the browser of whoever asked, who under sudo is not root.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::capture::launch::RunAs;
use crate::command::sudo_caller;

/// How long the opener has to say that it failed; later it is the browser that runs.
const TIME_TO_FAIL: Duration = Duration::from_secs(2);

/// Has a browser show a file or a URL; false when none can be started.
pub(super) fn open(what: &str) -> bool {
    let caller = sudo_caller().filter(|&uid| uid != 0 && rustix::process::geteuid().is_root());
    let mut command = Command::new("xdg-open");
    command
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut has_screen = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if let Some(uid) = caller {
        let Ok(user) = RunAs::lookup(uid) else {
            return false;
        };
        user.apply(&mut command);
        let session = session(uid);
        has_screen |= session.iter().any(|(name, _)| *name == "WAYLAND_DISPLAY");
        command.envs(session);
    }
    // Without a screen xdg-open would start a browser in this terminal.
    has_screen && started(&mut command)
}

/// Whether a command starts, and does not fail at once.
fn started(command: &mut Command) -> bool {
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let deadline = Instant::now() + TIME_TO_FAIL;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => return false,
        }
    }
    true
}

/// How programs of a user find their session, of which sudo passes on nothing but an X
/// display.
///
/// Source: `pam_systemd(8)`, the XDG Base Directory Specification.
fn session(uid: u32) -> Vec<(&'static str, PathBuf)> {
    let directory = PathBuf::from(format!("/run/user/{uid}"));
    if !directory.is_dir() {
        return Vec::new();
    }
    let mut variables = Vec::new();
    if let Some(socket) = (0..4)
        .map(|number| PathBuf::from(format!("wayland-{number}")))
        .find(|name| directory.join(name).exists())
    {
        variables.push(("WAYLAND_DISPLAY", socket));
    }
    if directory.join("bus").exists() {
        let address = format!("unix:path={}/bus", directory.display());
        variables.push(("DBUS_SESSION_BUS_ADDRESS", address.into()));
    }
    variables.push(("XDG_RUNTIME_DIR", directory));
    variables
}
