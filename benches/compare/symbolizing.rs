//! What names cost: 2,000 functions spread over a binary, by somno and by `addr2line`; of
//! the largest binaries here, which have symbols, and of somno, which has debug information.
//! Then the addresses of a recording, by `perf script` too.
//!
//! Cold is with nothing of the file in memory, as far as no one else has it mapped.

mod recorded;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _, SymbolKind, elf};
use rustix::fs::{Advice, fadvise};
use somno::addr::{FileOffset, UserAddress};
use somno::event::{FileIdentity, Module};
use somno::id::{ModuleId, Pid};
use somno::proc::status::parse_bytes;
use somno::profile::frames::{Frame, FrameTable};
use somno::symbolize::captured::CapturedSymbols;
use somno::symbolize::files::ModuleFiles;
use somno::symbolize::jit_maps::JitMaps;
use somno::symbolize::work::Known;
use somno::symbolize::worker::name_all;

use crate::measure::median;

const FUNCTIONS: usize = 2_000;

/// Prints a row for each binary and namer.
pub(crate) fn run(room: &Path, runs: usize) {
    println!(
        "\n{:<34} {:<10} {:>12} {:>12} {:>9} {:>8}",
        "names of 2,000 functions", "by", "cold a s", "warm a s", "peak MB", "named"
    );
    for path in binaries() {
        let files = BTreeMap::from([(path.clone(), Place::spread_over(&path))]);
        let rounds: Vec<_> = (0..runs).map(|_| by_somno(&path, &files)).collect();
        print_row(&path, "somno", &rounds);
        let places = &files[&path];
        let rounds: Vec<_> = (0..runs).map(|_| by_addr2line(&path, places)).collect();
        print_row(&path, "addr2line", &rounds);
    }
    recorded::run(room, runs);
}

/// The Rust compiler's libraries, and somno.
fn binaries() -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(sysroot().join("lib"))
        .expect("the compiler has libraries")
        .map(|entry| entry.expect("a directory can be read on").path())
        .filter(|path| path.metadata().is_ok_and(|found| found.len() > 50_000_000))
        .collect();
    found.sort();
    found.push(env!("CARGO_BIN_EXE_somno").into());
    found
}

fn sysroot() -> PathBuf {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.expect("rustc runs").stdout;
    PathBuf::from(String::from_utf8_lossy(&sysroot).trim())
}

/// A place in a file.
struct Place {
    address: u64,
    offset: u64,
}

impl Place {
    fn spread_over(path: &Path) -> Vec<Self> {
        let data = fs::read(path).expect("it is readable");
        let file = ElfFile64::<Endianness>::parse(&data[..]).expect("a linker wrote it");
        let mut addresses: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .map(|symbol| symbol.address())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        let step = (addresses.len() / FUNCTIONS).max(1);
        let place = |&address| {
            let offset = file_offset(&file, address)?;
            Some(Self { address, offset })
        };
        let spread = addresses.iter().step_by(step).take(FUNCTIONS);
        spread.filter_map(place).collect()
    }
}

fn file_offset(file: &ElfFile64<'_, Endianness>, address: u64) -> Option<u64> {
    let endian = Endianness::Little;
    let mut loaded = file
        .elf_program_headers()
        .iter()
        .filter(|header| header.p_type(endian) == elf::PT_LOAD);
    loaded.find_map(|header| {
        let inside = address.checked_sub(header.p_vaddr(endian))?;
        (inside < header.p_filesz(endian)).then(|| header.p_offset(endian) + inside)
    })
}

fn file_address(file: &ElfFile64<'_, Endianness>, offset: u64) -> Option<u64> {
    let endian = Endianness::Little;
    let mut loaded = file
        .elf_program_headers()
        .iter()
        .filter(|header| header.p_type(endian) == elf::PT_LOAD);
    loaded.find_map(|header| {
        let inside = offset.checked_sub(header.p_offset(endian))?;
        (inside < header.p_filesz(endian)).then(|| header.p_vaddr(endian) + inside)
    })
}

/// Names once cold and once warm.
struct Round {
    cold: Naming,
    warm: Naming,
}

struct Naming {
    took: Duration,
    /// The most memory that was resident, in bytes; somno's is what naming added.
    peak: u64,
    named: usize,
}

fn by_somno(path: &Path, files: &BTreeMap<PathBuf, Vec<Place>>) -> Round {
    evict(path);
    Round {
        cold: name_by_somno(files),
        warm: name_by_somno(files),
    }
}

fn name_by_somno(wanted: &BTreeMap<PathBuf, Vec<Place>>) -> Naming {
    let mut frames = FrameTable::default();
    let mut files = ModuleFiles::new();
    for ((path, places), id) in wanted.iter().zip(2..) {
        let id = ModuleId(id);
        for place in places {
            frames.intern(Frame::File(id, FileOffset(place.offset)));
        }
        files.add(&module(id, path));
    }
    fs::write("/proc/self/clear_refs", "5").expect("our own peak can be forgotten");
    let peak = || memory_of("self", "VmHWM").expect("the kernel says");
    let before = peak();
    let began = Instant::now();
    let known = Known {
        files: &files,
        captured: &CapturedSymbols::default(),
        jit_maps: &JitMaps::default(),
    };
    let names = name_all(&frames, known, None, &mut |_| {}).expect("there are threads");
    let took = began.elapsed();
    Naming {
        took,
        peak: peak() - before,
        named: usize::try_from(names.named()).expect("there are few"),
    }
}

fn module(id: ModuleId, path: &Path) -> Module {
    let metadata = path.metadata().expect("it was found");
    Module {
        id,
        identity: FileIdentity {
            device: 0,
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: (metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()).cast_unsigned(),
        },
        path: path.as_os_str().as_bytes().to_vec(),
        deleted: false,
        // nobody: the path is what there is
        pid: Pid(u32::MAX),
        mapped: (UserAddress(0), UserAddress(1)),
    }
}

fn by_addr2line(path: &Path, places: &[Place]) -> Round {
    evict(path);
    Round {
        cold: name_by_addr2line(path, places),
        warm: name_by_addr2line(path, places),
    }
}

fn name_by_addr2line(path: &Path, places: &[Place]) -> Naming {
    let began = Instant::now();
    let mut child = Command::new("addr2line")
        .args(["--functions", "--demangle", "--exe"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("addr2line runs");
    let mut stdin = child.stdin.take().expect("it was asked for");
    let mut lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
    let mut named = 0;
    for place in places {
        writeln!(stdin, "{:#x}", place.address).expect("addr2line reads on");
        let mut answer = || lines.next().expect("addr2line answers").expect("in UTF-8");
        let (function, _line) = (answer(), answer());
        named += usize::from(function != "??");
    }
    let took = began.elapsed();
    let peak = memory_of(&child.id().to_string(), "VmHWM").expect("it waits for more");
    drop(stdin);
    child.wait().expect("it was started");
    Naming { took, peak, named }
}

/// A field of /proc/PID/status, of a process that runs.
fn memory_of(process: &str, field: &str) -> Option<u64> {
    parse_bytes(
        &fs::read_to_string(format!("/proc/{process}/status")).ok()?,
        field,
    )
}

fn evict(path: &Path) {
    let file = File::open(path).expect("it is readable");
    fadvise(&file, 0, None, Advice::DontNeed).expect("a file can be forgotten");
}

fn print_row(path: &Path, by: &str, rounds: &[Round]) {
    let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let a_second = |naming: &Naming| naming.named as f64 / naming.took.as_secs_f64();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    println!(
        "{:<34} {by:<10} {:>12.0} {:>12.0} {:>9.1} {:>8.0}",
        name.chars().take(34).collect::<String>(),
        of(&|round| a_second(&round.cold)),
        of(&|round| a_second(&round.warm)),
        of(&|round| round.warm.peak as f64 / 1e6),
        of(&|round| round.warm.named as f64),
    );
}
