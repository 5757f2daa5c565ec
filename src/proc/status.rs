//! `/proc/PID/status`: memory figures, signals, and who a process is.

use std::fs;

use crate::id::Pid;

/// Finds a field in kilobytes and returns it in bytes.
#[must_use]
pub fn parse_bytes(status: &str, field: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Finds the set of ignored signals: bit 0 is signal 1.
#[must_use]
pub fn parse_ignored(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Who a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its effective user.
    pub user: u32,
    /// What it calls itself, in the innermost namespace that it is in.
    pub inner_pid: Pid,
}

/// Finds who a process is.
#[must_use]
pub fn parse_identity(status: &str) -> Option<Identity> {
    let fields = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_ascii_whitespace())
    };
    Some(Identity {
        user: fields("Uid:")?.nth(1)?.parse().ok()?,
        inner_pid: Pid(fields("NSpid:")?.next_back()?.parse().ok()?),
    })
}

/// Reads who a process is; nothing when it is gone.
#[must_use]
pub fn identity(pid: Pid) -> Option<Identity> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    parse_identity(&String::from_utf8_lossy(&status))
}

/// The signals that this process ignores; none where the kernel does not say.
#[must_use]
pub fn ignored_signals() -> u64 {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| parse_ignored(&status))
        .unwrap_or_default()
}

/// Memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnMemory {
    /// Anonymous memory that is resident now.
    pub anonymous: u64,
    /// The most that was ever resident.
    pub peak_resident: u64,
}

/// Reads this process's memory figures; zero where the kernel does not say.
#[must_use]
pub fn own_memory() -> OwnMemory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    OwnMemory {
        anonymous: parse_bytes(&status, "RssAnon").unwrap_or_default(),
        peak_resident: parse_bytes(&status, "VmHWM").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the set of ignored signals is read as a mask.
    #[test]
    fn ignored_signals_are_a_mask() {
        assert_eq!(parse_ignored("SigIgn:\t0000000000001001\n"), Some(0x1001));
        assert_eq!(parse_ignored("SigCgt:\t1\n"), None);
    }

    /// Check that a process's user is the effective one, and its pid the innermost.
    #[test]
    fn identities_are_read() {
        let status = "Uid:\t1000\t0\t7\t7\nNSpid:\t4711\t12\t1\n";
        let identity = Identity {
            user: 0,
            inner_pid: Pid(1),
        };
        assert_eq!(parse_identity(status), Some(identity));
        assert_eq!(parse_identity("Uid:\t1000\t0\t0\t0\nNSpid:\n"), None);
        assert_eq!(parse_identity(""), None);
    }

    /// Check that a field is found by its whole name and scaled.
    #[test]
    fn fields_are_found() {
        let status = "Name:\tx\nRssAnon:\t    12 kB\nVmHWM:\t 3 kB\nRss: 1\n";
        assert_eq!(parse_bytes(status, "RssAnon"), Some(12_288));
        assert_eq!(parse_bytes(status, "VmHWM"), Some(3_072));
        assert_eq!(parse_bytes(status, "Rss"), None);
        assert_eq!(parse_bytes(status, "Missing"), None);
    }
}
