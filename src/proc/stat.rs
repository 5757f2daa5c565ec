//! `/proc/PID/stat`: when a process started.

use std::fs;

use crate::id::Pid;
use crate::time::ProcessStart;

/// The kernel's unit of time towards user space, in nanoseconds: it is the same on all of
/// its machines but one.
const TICK: u64 = 10_000_000;

/// Finds when a process started, rounded down to hundredths of a second.
#[must_use]
pub fn parse_start(stat: &str) -> Option<ProcessStart> {
    // The name, which may have blanks and parentheses, is the second field.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    ticks.checked_mul(TICK).map(ProcessStart)
}

/// Reads when a process started, rounded down; nothing when it is gone.
#[must_use]
pub fn start(pid: Pid) -> Option<ProcessStart> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_start(&String::from_utf8_lossy(&stat))
}

/// Tells whether a pid is still, or again, that of the process that started then.
#[must_use]
pub fn is_process(pid: Pid, started: ProcessStart) -> bool {
    start(pid).is_some_and(|now| is_same(now, started))
}

/// Finds when the process started that has the pid now of one that started then, if it is another.
/// By one look: who is seen, and gone at the next one, is no successor.
#[must_use]
pub fn successor(pid: Pid, started: ProcessStart) -> Option<ProcessStart> {
    start(pid).filter(|&now| !is_same(now, started))
}

/// Whether a start, rounded down, is this one.
fn is_same(rounded: ProcessStart, started: ProcessStart) -> bool {
    rounded.0 == started.0 - started.0 % TICK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that no name of a process hides when it started.
    #[test]
    fn starts_are_found() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        for name in ["a", "a b", ") S 1 2 (", ""] {
            let stat = format!("12 ({name}) {fields}");
            assert_eq!(parse_start(&stat), Some(ProcessStart(47_110_000_000)));
        }
        assert_eq!(parse_start("12 (a) S 1"), None);
        assert_eq!(parse_start(""), None);
    }

    /// Check that this process is itself, and no other of its pid.
    #[test]
    fn processes_are_told_apart() {
        let own = Pid(std::process::id());
        let started = start(own).expect("it is there");
        assert!(is_process(own, ProcessStart(started.0 + TICK - 1)));
        assert!(!is_process(own, ProcessStart(started.0 + TICK)));
        assert_eq!(successor(own, ProcessStart(started.0 + 1)), None);
        assert_eq!(successor(own, ProcessStart(started.0 - 1)), Some(started));
    }
}
