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
