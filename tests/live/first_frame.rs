//! Which frames can be a thread's first.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _, elf};

use crate::folded::Line;

/// Where processes begin, by name; the second is the second half of the loader's.
const ENTRIES: [&str; 2] = ["_start", "_dl_start_user"];
/// Where threads begin; a process forked off a thread begins like one.
const THREADS: [&str; 5] = ["clone", "__clone", "clone3", "__clone3", "start_thread"];
/// The calls in an entry point are in its first bytes.
const ENTRY_BYTES: u64 = 64;
/// `clone3`, which libc does not export, lies beside `clone`.
const BESIDE_CLONE: u64 = 256;

/// What a frame can be.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// Only the first: nobody calls it.
    Entry,
    /// The first of a thread, or the last of who is making one.
    Clone,
    Other,
}

/// Knows what begins threads, in files without symbols too.
#[derive(Default)]
pub(crate) struct FirstFrames {
    known: HashMap<String, Role>,
}

impl FirstFrames {
    /// Whether a user stack reached its thread's first frame.
    pub(crate) fn is_reached(&mut self, line: &Line) -> bool {
        let Some(root) = line.user_frames().next() else {
            return false;
        };
        let role = self.role(root);
        role == Role::Entry || (role == Role::Clone && line.reason.is_none())
    }

    fn role(&mut self, frame: &str) -> Role {
        if let Some(&known) = self.known.get(frame) {
            return known;
        }
        let role = if ENTRIES.contains(&frame) {
            Role::Entry
        } else if THREADS.contains(&frame) {
            Role::Clone
        } else {
            place(frame).map_or(Role::Other, role_of_place)
        };
        self.known.insert(frame.to_owned(), role);
        role
    }
}

/// Whether a function is one that begins threads.
pub(crate) fn is_first_function(name: &str) -> bool {
    ENTRIES.contains(&name) || THREADS.contains(&name)
}

/// Base name and offset of `[file+0x1f]`.
pub(crate) fn place(frame: &str) -> Option<(&str, u64)> {
    let (file, offset) = frame
        .strip_prefix('[')?
        .strip_suffix(']')?
        .rsplit_once("+0x")?;
    Some((file, u64::from_str_radix(offset, 16).ok()?))
}

fn role_of_place((file, offset): (&str, u64)) -> Role {
    let Some(path) = find_file(file) else {
        return Role::Other;
    };
    let data = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let Ok(image) = ElfFile64::<Endianness>::parse(&data[..]) else {
        return Role::Other;
    };
    let entry = file_offset(&image, image.entry());
    if entry.is_some_and(|entry| (entry..entry + ENTRY_BYTES).contains(&offset)) {
        return Role::Entry;
    }
    let clone = image
        .dynamic_symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok("clone"))
        .and_then(|symbol| file_offset(&image, symbol.address()));
    if clone.is_some_and(|clone| clone.abs_diff(offset) < BESIDE_CLONE) {
        return Role::Clone;
    }
    Role::Other
}

fn file_offset(image: &ElfFile64<'_, Endianness>, address: u64) -> Option<u64> {
    let endian = Endianness::Little;
    image
        .elf_program_headers()
        .iter()
        .filter(|header| header.p_type(endian) == elf::PT_LOAD)
        .find(|header| {
            let start = header.p_vaddr(endian);
            (start..start + header.p_filesz(endian)).contains(&address)
        })
        .map(|header| address - header.p_vaddr(endian) + header.p_offset(endian))
}

/// A program of the search path or the compiler's, the C library, or the loader.
pub(crate) fn find_file(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|directory| directory.join(name));
    let of_compiler = ["-print-prog-name", "-print-file-name"].map(|option| {
        let output = Command::new("cc").arg(format!("{option}={name}")).output();
        let output = output.expect("cc runs");
        PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
    });
    in_path
        .chain(of_compiler)
        .chain([Path::new("/lib64").join(name)])
        .find(|path| path.is_absolute() && is_elf(path))
}

/// Whether it is a program itself, not a script in its place.
fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && magic == elf::ELFMAG
}
