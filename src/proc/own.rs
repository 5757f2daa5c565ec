//! What this process takes: its threads, by `/proc/self/task`, and its heap.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// A thread of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnThread {
    /// Its number.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// CPU time that it used.
    pub cpu: Duration,
}

/// Lists the threads of this process; none where the kernel does not say.
#[must_use]
pub fn threads() -> Vec<OwnThread> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten();
    entries
        .filter_map(|entry| read(&entry.ok()?.path()))
        .collect()
}

fn read(task: &Path) -> Option<OwnThread> {
    let statistics = fs::read_to_string(task.join("schedstat")).ok()?;
    let name = fs::read_to_string(task.join("comm")).ok()?;
    Some(OwnThread {
        tid: task.file_name()?.to_str()?.parse().ok()?,
        name: name.trim_end().into(),
        cpu: parse_cpu(&statistics)?,
    })
}

/// Finds the CPU time in what the scheduler tells of a thread.
#[must_use]
pub fn parse_cpu(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_ascii_whitespace().next()?;
    nanoseconds.parse().ok().map(Duration::from_nanos)
}

/// Gives memory that was freed back to the kernel. The C library keeps what lies between pieces
/// that are still used, so that a process which names frames again and again grows for an hour.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches nothing but what is free, under the locks that allocations take.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that CPU time is the first number, and this thread is among the threads.
    #[test]
    fn threads_are_listed() {
        assert_eq!(parse_cpu("1500 20 3\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(parse_cpu(""), None);
        let tid = rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .cast_unsigned();
        assert!(threads().iter().any(|thread| thread.tid == tid));
    }
}
