//! `/proc/PID/task`: the threads of a process.

use std::fs;
use std::io;

use crate::id::{Pid, Tid};

/// Lists the threads of a process now.
///
/// # Errors
/// `NotFound` when the process is gone, and whatever reading the directory gives.
pub fn threads(pid: Pid) -> io::Result<Vec<Tid>> {
    let mut tids = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        if let Some(tid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            tids.push(Tid(tid));
        }
    }
    Ok(tids)
}

/// Tells whether a thread exists.
#[must_use]
pub fn exists(tid: Tid) -> bool {
    fs::exists(format!("/proc/{tid}")).unwrap_or(false)
}

/// Tells whether a thread belongs to the kernel: such a one has no memory of its own.
#[must_use]
pub fn is_kernel_thread(tid: Tid) -> bool {
    fs::read_to_string(format!("/proc/{tid}/status"))
        .is_ok_and(|status| !status.lines().any(|line| line.starts_with("VmSize:")))
}
