//! What is mapped where in the processes of a workload, as `perf` saw it. Addresses are not
//! randomized ([`super::workload`]), so it holds for every run.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// Names that a process has before it is the workload.
const BEFORE: [&str; 3] = ["perf", "perf-exec", "setarch"];

/// Mappings by the thread's name.
pub(super) struct Layout {
    mappings: HashMap<String, Vec<Mapping>>,
    names: HashSet<String>,
}

struct Mapping {
    addresses: Range<u64>,
    offset: u64,
    path: PathBuf,
}

impl Layout {
    /// Reads it from a recording of the workload.
    pub(super) fn read(data: &Path) -> Self {
        let script = Command::new("perf")
            .args([
                "script",
                "-F",
                "comm,tid,time,event",
                "--show-mmap-events",
                "--show-task-events",
                "-i",
            ])
            .arg(data)
            .output()
            .expect("perf runs");
        let own = own_name();
        let mut layout = Self {
            mappings: HashMap::new(),
            names: HashSet::new(),
        };
        let mapping = Regex::new(
            r"^\s*(.+?)\s+\d+\s+[\d.]+: PERF_RECORD_MMAP2 .*\[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (?:0x)?([0-9a-f]+) .*\]: \S+ (/.+)$",
        )
        .expect("it is a pattern");
        let named =
            Regex::new(r"PERF_RECORD_COMM(?: exec)?: (.*):\d+/\d+$").expect("it is a pattern");
        for line in String::from_utf8_lossy(&script.stdout).lines() {
            if let Some(found) = mapping.captures(line) {
                let number = |index: usize| u64::from_str_radix(&found[index], 16).unwrap_or(0);
                let new = Mapping {
                    addresses: number(2)..number(2) + number(3),
                    offset: number(4),
                    path: PathBuf::from(&found[5]),
                };
                let mappings = layout.mappings.entry(found[1].to_owned()).or_default();
                if !mappings
                    .iter()
                    .any(|old| old.addresses == new.addresses && old.path == new.path)
                {
                    mappings.push(new);
                }
            } else if let Some(found) = named.captures(line) {
                layout.names.insert(found[1].to_owned());
            }
        }
        layout
            .names
            .retain(|name| !BEFORE.contains(&name.as_str()) && *name != own);
        layout
    }

    /// Whether a thread of this name is one of the workload.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The file of that name, in whatever directory it is.
    pub(super) fn file(&self, name: &str) -> Option<&Path> {
        let mappings = self.mappings.iter();
        let mut own = mappings.filter(|(thread, _)| self.has(thread));
        own.find_map(|(_, mappings)| {
            let mut paths = mappings.iter().map(|mapping| mapping.path.as_path());
            paths.find(|path| path.file_name().is_some_and(|file| file == name))
        })
    }

    /// The file at an address, and the place in it. A thread that has named itself has its
    /// process's mappings, so others are looked through too.
    pub(super) fn place(&self, name: &str, address: u64) -> Option<(&Path, u64)> {
        let own = self.mappings.get(name).into_iter().flatten();
        let others = self
            .names
            .iter()
            .filter(|_| !self.mappings.contains_key(name));
        let others = others.filter_map(|name| self.mappings.get(name)).flatten();
        let mapping = own
            .chain(others)
            .find(|mapping| mapping.addresses.contains(&address))?;
        Some((
            &mapping.path,
            address - mapping.addresses.start + mapping.offset,
        ))
    }
}

/// The name of the workload's parent: the first 15 bytes, as the kernel has it.
fn own_name() -> String {
    let own = std::env::current_exe().expect("this program has a name");
    let name = own.file_name().unwrap_or_default().to_string_lossy();
    name.chars().take(15).collect()
}
