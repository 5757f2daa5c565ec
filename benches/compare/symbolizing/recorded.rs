//! The user addresses that `perf record` found in the Rust compiler at work, named by
//! somno, by `perf script` and by `addr2line`.
//!
//! perf names every sample, as its file has them, from symbol tables only; the others name
//! every address once, with inlined functions and source lines where there are any. What
//! reading perf.data takes is in perf's time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use object::Endianness;
use object::read::elf::ElfFile64;

use super::{Naming, Place, Round, evict, file_address, memory_of, name_by_addr2line};
use super::{name_by_somno, print_row, sysroot};

/// A second, so that there are thousands of addresses in seconds.
const RATE: &str = "20000";
/// Functions that the compiler compiles.
const FUNCTIONS: usize = 60;

/// Prints a row for each namer.
pub(super) fn run(room: &Path, runs: usize) {
    let recording = Recording::make(room);
    let places: usize = recording.files.values().map(Vec::len).sum();
    println!(
        "{places} distinct addresses in {} files, of {} samples of rustc",
        recording.files.len(),
        recording.samples
    );
    let row = |by: &str, name: &dyn Fn() -> Naming| {
        let round = |_| {
            recording.files.keys().for_each(|path| evict(path));
            evict(&recording.data);
            Round {
                cold: name(),
                warm: name(),
            }
        };
        let rounds: Vec<_> = (0..runs).map(round).collect();
        print_row(Path::new("rustc"), by, &rounds);
    };
    row("somno", &|| name_by_somno(&recording.files));
    row("perf", &|| recording.name_by_perf());
    row("addr2line", &|| recording.name_by_addr2line());
}

/// What perf recorded.
struct Recording {
    data: PathBuf,
    samples: usize,
    /// The instruction pointers that are in files.
    addresses: HashSet<u64>,
    files: BTreeMap<PathBuf, Vec<Place>>,
}

impl Recording {
    fn make(room: &Path) -> Self {
        let (data, source) = (room.join("names.data"), room.join("names.rs"));
        fs::write(&source, program()).expect("the target directory is writable");
        let status = Command::new("perf")
            .args(["record", "--no-buildid", "--no-buildid-cache", "-q"])
            .args(["-e", "cpu-clock:u", "-F", RATE, "-o"])
            .arg(&data)
            .arg("--")
            .arg(sysroot().join("bin/rustc"))
            .args(["-O", "--crate-type", "lib", "--emit", "obj", "-o"])
            .arg(room.join("names.o"))
            .arg(&source)
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("perf runs").success(), "perf record failed");
        Self::read(data)
    }

    /// Finds where in which files the samples were.
    fn read(data: PathBuf) -> Self {
        let output = perf_script(&data, "ip")
            .arg("--show-mmap-events")
            .output()
            .expect("perf runs");
        let output = String::from_utf8_lossy(&output.stdout);
        let mappings: Vec<_> = output.lines().filter_map(Mapping::parse).collect();
        let addresses: Vec<_> = output
            .lines()
            .filter_map(|line| u64::from_str_radix(line.trim(), 16).ok())
            .collect();
        let mut places: BTreeMap<PathBuf, BTreeSet<u64>> = BTreeMap::new();
        let mut in_files = HashSet::new();
        for &address in &addresses {
            let found = mappings
                .iter()
                .rev()
                .find_map(|mapping| Some((&mapping.path, mapping.offset_of(address)?)));
            if let Some((path, offset)) = found.filter(|(path, _)| path.is_file()) {
                places.entry(path.clone()).or_default().insert(offset);
                in_files.insert(address);
            }
        }
        let files = places
            .into_iter()
            .map(|(path, offsets)| {
                let places = places_at(&path, offsets);
                (path, places)
            })
            .collect();
        Self {
            data,
            samples: addresses.len(),
            addresses: in_files,
            files,
        }
    }

    fn name_by_perf(&self) -> Naming {
        let began = Instant::now();
        let mut child = perf_script(&self.data, "ip,sym")
            .stdout(Stdio::piped())
            .spawn()
            .expect("perf runs");
        let stdout = child.stdout.take().expect("it was asked for");
        let (mut named, mut peak) = (HashSet::new(), 0);
        for (number, line) in BufReader::new(stdout).lines().enumerate() {
            let line = line.expect("perf writes on");
            if let Some((address, name)) = line.trim_start().split_once(' ')
                && name.trim() != "[unknown]"
                && let Ok(address) = u64::from_str_radix(address, 16)
                && self.addresses.contains(&address)
            {
                named.insert(address);
            }
            // when its output has ended, its memory is gone
            if number % 50 == 0 {
                peak = memory_of(&child.id().to_string(), "VmHWM").unwrap_or(peak);
            }
        }
        assert!(child.wait().expect("it was started").success());
        Naming {
            took: began.elapsed(),
            peak,
            named: named.len(),
        }
    }

    /// One process after the other, each with a file.
    fn name_by_addr2line(&self) -> Naming {
        let mut all = Naming {
            took: Duration::ZERO,
            peak: 0,
            named: 0,
        };
        for (path, places) in &self.files {
            let naming = name_by_addr2line(path, places);
            all.took += naming.took;
            all.peak = all.peak.max(naming.peak);
            all.named += naming.named;
        }
        all
    }
}

fn perf_script(data: &Path, fields: &str) -> Command {
    let mut command = Command::new("perf");
    command.args(["script", "-F", fields, "-i"]).arg(data);
    command.stderr(Stdio::null());
    command
}

/// A program that gives the compiler and LLVM something to do.
fn program() -> String {
    let mut text = String::from("use std::collections::BTreeMap;\n");
    for number in 0..FUNCTIONS {
        writeln!(
            text,
            "pub fn f{number}(map: &mut BTreeMap<u64, String>, text: &str) -> Option<String> {{ \
             map.insert({number}, format!(\"{{text}} {number}\")); \
             map.values().map(|text| text.trim()).max().map(str::to_owned) }}"
        )
        .expect("a string takes everything");
    }
    text
}

/// Code of a file in memory.
struct Mapping {
    start: u64,
    size: u64,
    offset: u64,
    path: PathBuf,
}

impl Mapping {
    /// `PERF_RECORD_MMAP2 1/1: [0xstart(0xsize) @ 0xoffset maj:min ino gen]: r-xp path`
    fn parse(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("PERF_RECORD_MMAP2 ")?;
        let (_, line) = line.split_once(": [")?;
        let (start, line) = line.split_once('(')?;
        let (size, line) = line.split_once(") @ ")?;
        let (offset, line) = line.split_once(' ')?;
        let (_, path) = line.split_once("]: r-xp ")?;
        let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        Some(Self {
            start: hex(start)?,
            size: hex(size)?,
            offset: hex(offset).or_else(|| (offset == "0").then_some(0))?,
            path: path.into(),
        })
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = address.checked_sub(self.start)?;
        (inside < self.size).then_some(inside + self.offset)
    }
}

fn places_at(path: &Path, offsets: BTreeSet<u64>) -> Vec<Place> {
    let data = fs::read(path).expect("it is readable");
    let file = ElfFile64::<Endianness>::parse(&data[..]).expect("a linker wrote it");
    let place = |offset| {
        let address = file_address(&file, offset)?;
        Some(Place { address, offset })
    };
    offsets.into_iter().filter_map(place).collect()
}
