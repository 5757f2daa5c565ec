//! `/proc/self/mountinfo`: where the hierarchies of cgroups are mounted.

use std::fs;
use std::path::PathBuf;

use crate::error::{Context as _, Error, Result};

/// Finds where the hierarchy is mounted in which perf knows cgroups: one of version 1 that
/// has it, or else that of version 2.
#[must_use]
pub fn parse_perf_hierarchy(mountinfo: &str) -> Option<PathBuf> {
    let mounts = || mountinfo.lines().filter_map(parse_mount);
    let own = mounts().find(|mount| {
        mount.kind == "cgroup" && mount.options.split(',').any(|name| name == "perf_event")
    });
    let found = own.or_else(|| mounts().find(|mount| mount.kind == "cgroup2"));
    found.map(|mount| mount.place)
}

/// Reads where it is.
///
/// # Errors
/// When no such hierarchy is mounted here.
pub fn perf_hierarchy() -> Result<PathBuf> {
    let path = "/proc/self/mountinfo";
    let mountinfo = fs::read_to_string(path).context(|| format!("read `{path}`"))?;
    parse_perf_hierarchy(&mountinfo).ok_or_else(|| {
        Error::failed("failed to find cgroups: no hierarchy that perf knows is mounted")
            .with_hint("mount -t cgroup2 none /sys/fs/cgroup")
    })
}

struct Mount<'a> {
    place: PathBuf,
    kind: &'a str,
    options: &'a str,
}

/// Source of the fields: `proc_pid_mountinfo(5)`.
fn parse_mount(line: &str) -> Option<Mount<'_>> {
    let (of_mount, of_filesystem) = line.split_once(" - ")?;
    let mut of_filesystem = of_filesystem.split(' ');
    Some(Mount {
        place: unescape(of_mount.split(' ').nth(4)?).into(),
        kind: of_filesystem.next()?,
        options: of_filesystem.nth(1)?,
    })
}

/// Blanks, newlines and backslashes are octal.
fn unescape(text: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n")];
    let text = codes.iter().fold(text.to_owned(), |text, (code, byte)| {
        text.replace(code, byte)
    });
    text.replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the hierarchy with perf is found, in either version and in both at once.
    #[test]
    fn hierarchies_are_found() {
        let two = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let hybrid = "31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw";
        let memory = "32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup none rw,memory";
        let perf = "33 24 0:29 / /cg\\040roups/perf_event rw - cgroup none rw,perf_event";
        for (mounts, expected) in [
            (&[two][..], Some("/sys/fs/cgroup")),
            (&[memory, hybrid], Some("/sys/fs/cgroup/unified")),
            (&[hybrid, memory, perf], Some("/cg roups/perf_event")),
            (&[memory], None),
            (&["nonsense", ""], None),
        ] {
            let found = parse_perf_hierarchy(&mounts.join("\n"));
            assert_eq!(found, expected.map(PathBuf::from), "{mounts:?}");
        }
    }
}
