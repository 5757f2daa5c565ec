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

/// Has all threads take memory from one heap: of others, [`trim_heap`] does not give back the end,
/// which is as large as the most that a thread ever had. To be called before there are threads.
pub fn use_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
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

/// What a thread does at a moment: two that are alike and far apart mean that it waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Whether it is on a CPU, or would be if there were one.
    pub is_running: bool,
    /// How often it went off a CPU.
    pub switches: u64,
}

/// Reads what a thread of this process does; nothing where there is none.
#[must_use]
pub fn activity(tid: u32) -> Option<Activity> {
    let status = fs::read_to_string(format!("/proc/self/task/{tid}/status")).ok()?;
    parse_activity(&status)
}

/// Finds what a thread does.
#[must_use]
pub fn parse_activity(status: &str) -> Option<Activity> {
    let field = |name| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.map(str::trim)
    };
    let switches = |name| field(name)?.parse::<u64>().ok();
    Some(Activity {
        is_running: field("State:")?.starts_with('R'),
        switches: switches("voluntary_ctxt_switches:")?
            .wrapping_add(switches("nonvoluntary_ctxt_switches:")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a thread that runs is seen to, and its switches are added up.
    #[test]
    fn activity_is_found() {
        let status = "Name:\tx\nState:\tD (disk sleep)\n\
            voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t5\n";
        let waits = Activity {
            is_running: false,
            switches: 155,
        };
        assert_eq!(parse_activity(status), Some(waits));
        assert_eq!(parse_activity("State:\tD\n"), None);
        let tid = rustix::thread::gettid().as_raw_pid().cast_unsigned();
        assert!(activity(tid).is_some_and(|own| own.is_running));
    }

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
