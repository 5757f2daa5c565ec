//! Symbols that are in another file than the code.
//!
//! blazesym follows a debug link, and there to a build id too, but not a build id alone, and
//! not into a directory `.debug`, nor does it give the file's own symbols where the debug
//! file is another build's.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use blazesym::helper::read_elf_build_id;
use blazesym::symbolize::Input;
use blazesym::symbolize::source::{Elf, Source};
use object::elf::{FileHeader64, PT_LOAD, SHT_SYMTAB};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, ReadCache, ReadRef};

use super::bounds::{self, Readable};
use super::debuginfod::{self, Debuginfod};
use crate::addr::FileOffset;
use crate::event::Segment;
use crate::privileges::{Use, in_effect};

/// Where distributions put debug files.
const DIRECTORIES: [&str; 2] = ["/usr/lib/debug", "/lib/debug"];

/// A file with symbols for another file, or for itself.
#[derive(Debug)]
pub struct Symbols {
    /// The file.
    pub source: Source<'static>,
    /// Where the code's own file has addresses, if it is another one.
    segments: Option<Vec<Segment>>,
    /// Keeps the source's path good, where it leads to an open file.
    _held: Option<File>,
}

impl Symbols {
    /// Takes a file that was made for another one's symbols.
    #[must_use]
    pub fn made(path: &Path, segments: Vec<Segment>) -> Self {
        let mut elf = Elf::new(path);
        elf.debug_syms = false;
        Self {
            source: Source::Elf(elf),
            segments: Some(segments),
            _held: None,
        }
    }

    /// What to ask blazesym for: an offset in the file itself, an address in another one.
    #[must_use]
    pub fn address(&self, offset: FileOffset) -> Option<u64> {
        match &self.segments {
            Some(segments) => self::address(segments, offset),
            None => Some(offset.0),
        }
    }

    /// How to ask for it.
    #[must_use]
    pub fn input<'a>(&self, addresses: &'a [u64]) -> Input<&'a [u64]> {
        match self.segments {
            Some(_) => Input::VirtOffset(addresses),
            None => Input::FileOffset(addresses),
        }
    }
}

/// Where to look for symbols of a file, the best place first; nowhere where it is not one that
/// can be read.
#[must_use]
pub fn sources(path: &Path) -> Vec<Symbols> {
    let in_itself = |debug_syms| {
        let mut elf = Elf::new(path);
        elf.debug_syms = debug_syms;
        Symbols {
            source: Source::Elf(elf),
            segments: None,
            _held: None,
        }
    };
    match bounds::look(path) {
        Readable::Nothing => Vec::new(),
        Readable::Tables => vec![in_itself(false)],
        Readable::Whole => {
            let best = of_build_id(path).unwrap_or_else(|| in_itself(true));
            vec![best, in_itself(false)]
        }
    }
}

/// Where debug files of a file are looked for by name.
#[must_use]
pub fn directories(path: &Path) -> Vec<PathBuf> {
    let beside = fs::canonicalize(path)
        .ok()
        .map(|path| bounds::debug_directory(&path));
    let known = DIRECTORIES.map(PathBuf::from);
    known.into_iter().chain(beside).collect()
}

/// Symbols of a file from servers, where it has no table of all of them, nor debug
/// information, nor is there a debug file for it by its build id.
pub fn from_servers(path: &Path, module: &str, debuginfod: &mut Debuginfod) -> Option<Symbols> {
    let (build_id, segments) = without_symbols(path)?;
    let file = debuginfod.find(&build_id, module)?;
    if bounds::look(&debuginfod::path_of(&file)) != Readable::Whole {
        return None;
    }
    Some(Symbols {
        source: Source::Elf(Elf::new(debuginfod::path_of(&file))),
        segments: Some(segments),
        _held: Some(file),
    })
}

/// What a file that lacks symbols is known by to servers, and what it has loaded.
fn without_symbols(path: &Path) -> Option<(Vec<u8>, Vec<Segment>)> {
    let _symbols = in_effect(Use::Symbols);
    if has_all_symbols(path) || of_build_id(path).is_some() {
        return None;
    }
    let build_id = read_elf_build_id(path).ok()??;
    Some((build_id.to_vec(), segments(path)?))
}

/// Tells whether a 64-bit file has more than the symbols that linking takes.
fn has_all_symbols(path: &Path) -> bool {
    let look = || {
        let data = ReadCache::new(File::open(path).ok()?);
        let header = FileHeader64::<Endianness>::parse(&data).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.sections(endian, &data).ok()?;
        let mut known = sections.iter();
        let has_symbols = known.any(|section| section.sh_type(endian) == SHT_SYMTAB);
        Some(has_symbols || sections.section_by_name(endian, b".debug_info").is_some())
    };
    look().unwrap_or_default()
}

fn of_build_id(path: &Path) -> Option<Symbols> {
    let build_id = read_elf_build_id(path).ok()??;
    let (first, rest) = build_id.split_first()?;
    let mut name = format!(".build-id/{first:02x}/");
    for byte in rest {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".debug");
    let found = DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(&name))
        .find(|path| {
            read_elf_build_id(path).is_ok_and(|found| found.as_ref() == Some(&build_id))
        })?;
    Some(Symbols {
        source: Source::Elf(Elf::new(found)),
        segments: Some(segments(path)?),
        _held: None,
    })
}

/// Where a place in a file is among its addresses; nowhere outside of its segments.
pub(super) fn address(segments: &[Segment], offset: FileOffset) -> Option<u64> {
    segments.iter().find_map(|segment| {
        let inside = offset.0.checked_sub(segment.offset.0)?;
        (inside < segment.size).then(|| segment.address.wrapping_add(inside))
    })
}

/// The loaded segments of a 64-bit file.
fn segments(path: &Path) -> Option<Vec<Segment>> {
    let data = ReadCache::new(File::open(path).ok()?);
    let header = FileHeader64::<Endianness>::parse(&data).ok()?;
    segments_of(header, header.endian().ok()?, &data)
}

/// Finds them by a header that was read.
pub(super) fn segments_of<'data>(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    data: impl ReadRef<'data>,
) -> Option<Vec<Segment>> {
    let headers = header.program_headers(endian, data).ok()?;
    let loaded = headers
        .iter()
        .filter(|header| header.p_type(endian) == PT_LOAD)
        .map(|header| Segment {
            offset: FileOffset(header.p_offset(endian)),
            size: header.p_filesz(endian),
            address: header.p_vaddr(endian),
        });
    Some(loaded.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that offsets in a file become the addresses that it has there, in segments only.
    #[test]
    fn offsets_become_addresses() {
        let code = Segment {
            offset: FileOffset(0x1000),
            size: 0x200,
            address: 0x40_2000,
        };
        let symbols = Symbols {
            source: Source::Elf(Elf::new("program.debug")),
            segments: Some(vec![code]),
            _held: None,
        };
        for (offset, address) in [
            (0xfff, None),
            (0x1000, Some(0x40_2000)),
            (0x11ff, Some(0x40_21ff)),
            (0x1200, None),
        ] {
            assert_eq!(symbols.address(FileOffset(offset)), address, "{offset:#x}");
        }
    }

    /// Check that a file's own symbols are asked for without its debug information too,
    /// which may be broken.
    #[test]
    fn a_file_is_its_own_last_source() {
        let path = std::env::current_exe().expect("a test has a program");
        let sources = sources(&path);
        let Some(Source::Elf(last)) = sources.last().map(|symbols| &symbols.source) else {
            panic!("there is no source that is a file");
        };
        assert_eq!((&last.path, last.debug_syms), (&path, false));
    }
}
