//! What a file calls its functions for other files: the names by which it exports them, and the
//! stubs of its linkage tables, each of which jumps to a function of another file.
//!
//! A library's own table of symbols may have a function by a name for its own use, as
//! `__GI___libc_malloc` for `malloc`. And it has none for stubs, which would be taken for what is
//! before them, `_init` mostly. Source: System V ABI, AMD64 supplement, 5.2.

use std::cmp::Reverse;
use std::fs::File;
use std::path::Path;

use object::elf::{
    FileHeader64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, SHF_EXECINSTR, SHT_DYNSYM, STT_FUNC,
};
use object::read::elf::{
    FileHeader as _, Rela as _, SectionHeader as _, SectionTable, Sym as _, SymbolTable,
};
use object::{Endianness, ReadCache, ReadRef};
use rustc_hash::FxHashMap;

use super::debug_files;
use crate::addr::FileOffset;
use crate::event::Segment;

/// Bytes of a linkage table that is read: those of a million stubs.
const STUBS_MAX: u64 = 16 << 20;
/// Bytes of a stub, where its section does not say.
const STUB: u64 = 16;
/// What begins the jump through a word of memory, whose distance follows in four bytes.
const JUMP: [u8; 2] = [0xff, 0x25];

/// A file's functions by the names that others know them by.
#[derive(Debug, Default)]
pub(super) struct Exports {
    segments: Vec<Segment>,
    /// By where they begin.
    functions: FxHashMap<u64, String>,
    tables: Vec<LinkageTable>,
}

/// A section of stubs, each of the same length.
#[derive(Debug)]
struct LinkageTable {
    begin: u64,
    stub: u64,
    /// What each leads to, where that is known.
    targets: Vec<Option<String>>,
}

/// A place in a linkage table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stub<'a> {
    /// What it leads to, where that is known.
    pub(super) target: Option<&'a str>,
}

impl Exports {
    /// Reads those of a file; none where it does not say.
    pub(super) fn read(path: &Path) -> Self {
        try_read(path).unwrap_or_default()
    }

    /// Finds the stub at a place in the file, if there is one.
    pub(super) fn stub(&self, offset: FileOffset) -> Option<Stub<'_>> {
        let address = debug_files::address(&self.segments, offset)?;
        self.tables.iter().find_map(|table| {
            let index = address.checked_sub(table.begin)? / table.stub;
            let target = table.targets.get(usize::try_from(index).ok()?)?;
            Some(Stub {
                target: target.as_deref(),
            })
        })
    }

    /// Finds a better name than this for the function that begins at an address: one with which
    /// others call it, where this one is for use inside.
    pub(super) fn better_name(&self, address: u64, name: &str) -> Option<&str> {
        let exported = self.functions.get(&address)?;
        (underscores(exported) < underscores(name)).then_some(exported)
    }

    fn add_function(&mut self, address: u64, name: &str) {
        let known = self.functions.get(&address);
        if known.is_none_or(|known| rank(name) < rank(known)) {
            self.functions.insert(address, name.into());
        }
    }
}

/// The plainest name comes first.
fn rank(name: &str) -> (usize, usize, Reverse<&str>) {
    (underscores(name), name.len(), Reverse(name))
}

fn underscores(name: &str) -> usize {
    name.bytes().take_while(|&byte| byte == b'_').count()
}

fn try_read(path: &Path) -> Option<Exports> {
    let data = ReadCache::new(File::open(path).ok()?);
    let header = FileHeader64::<Endianness>::parse(&data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, &data).ok()?;
    let symbols = sections.symbols(endian, &data, SHT_DYNSYM).ok()?;
    let mut exports = Exports {
        segments: debug_files::segments_of(header, endian, &data)?,
        ..Exports::default()
    };
    for symbol in symbols.iter() {
        let is_defined = symbol.st_type() == STT_FUNC && !symbol.is_undefined(endian);
        if let Some(name) = name_of(&symbols, symbol, endian).filter(|_| is_defined) {
            exports.add_function(symbol.st_value(endian), name);
        }
    }
    let targets = targets(&sections, &symbols, endian, &data);
    for section in sections.iter() {
        let name = sections.section_name(endian, section).unwrap_or_default();
        let is_table = name.starts_with(b".plt")
            && section.sh_flags(endian) & u64::from(SHF_EXECINSTR) != 0
            && section.sh_size(endian) <= STUBS_MAX;
        if !is_table {
            continue;
        }
        if let Ok(code) = section.data(endian, &data) {
            let begin = section.sh_addr(endian);
            let stub = match section.sh_entsize(endian) {
                8 => 8,
                _ => STUB,
            };
            exports
                .tables
                .push(linkage_table(begin, stub, code, &targets));
        }
    }
    Some(exports)
}

type Sections<'data, R> = SectionTable<'data, FileHeader64<Endianness>, R>;
type Symbols<'data, R> = SymbolTable<'data, FileHeader64<Endianness>, R>;

fn name_of<'data, R: ReadRef<'data>>(
    symbols: &Symbols<'data, R>,
    symbol: &object::elf::Sym64<Endianness>,
    endian: Endianness,
) -> Option<&'data str> {
    let name = symbol.name(endian, symbols.strings()).ok()?;
    std::str::from_utf8(name).ok()
}

/// The functions whose addresses the loader writes to words of memory, by those words.
fn targets<'data, R: ReadRef<'data>>(
    sections: &Sections<'data, R>,
    symbols: &Symbols<'data, R>,
    endian: Endianness,
    data: R,
) -> FxHashMap<u64, &'data str> {
    let mut targets = FxHashMap::default();
    for section in sections.iter() {
        let Ok(Some((relocations, _))) = section.rela(endian, data) else {
            continue;
        };
        for relocation in relocations {
            let is_address = matches!(
                relocation.r_type(endian, false),
                R_X86_64_JUMP_SLOT | R_X86_64_GLOB_DAT
            );
            let symbol = relocation.symbol(endian, false).filter(|_| is_address);
            let symbol = symbol.and_then(|index| symbols.symbol(index).ok());
            if let Some(name) = symbol.and_then(|symbol| name_of(symbols, symbol, endian)) {
                targets.insert(relocation.r_offset(endian), name);
            }
        }
    }
    targets
}

/// Finds by their jumps what stubs lead to.
fn linkage_table(
    begin: u64,
    stub: u64,
    code: &[u8],
    targets: &FxHashMap<u64, &str>,
) -> LinkageTable {
    let length = usize::try_from(stub).unwrap_or(code.len()).max(1);
    let stubs = code.chunks(length).zip(0_u64..);
    let target = |(code, index): (&[u8], u64)| {
        let jump = code.windows(JUMP.len()).position(|bytes| bytes == JUMP)?;
        let distance = code.get(jump + JUMP.len()..)?.first_chunk()?;
        let behind = begin + index * stub + (jump + JUMP.len() + distance.len()) as u64;
        let word = behind.wrapping_add_signed(i64::from(i32::from_le_bytes(*distance)));
        targets.get(&word).map(|&name| demangled(name))
    };
    LinkageTable {
        begin,
        stub,
        targets: stubs.map(target).collect(),
    }
}

fn demangled(name: &str) -> String {
    let symbol = cpp_demangle::Symbol::new(name).ok();
    let text = symbol.and_then(|symbol| symbol.demangle().ok());
    text.unwrap_or_else(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the name is chosen by which others call a function, and only where the one that
    /// is known is for use inside.
    #[test]
    fn plain_names_are_chosen() {
        let mut exports = Exports::default();
        for name in ["__libc_malloc", "malloc", "__malloc"] {
            exports.add_function(0x100, name);
        }
        exports.add_function(0x200, "__sigsetjmp");
        for (address, known, better) in [
            (0x100, "__GI___libc_malloc", Some("malloc")),
            (0x100, "malloc", None),
            (0x100, "my_malloc", None),
            (0x200, "__GI___sigsetjmp", None),
            (0x300, "__GI_other", None),
        ] {
            assert_eq!(exports.better_name(address, known), better, "{known}");
        }
    }

    /// Check that stubs are known by the words that they jump through: those for lazy binding,
    /// and those with a mark before the jump; the first of a lazy table leads to the loader.
    #[test]
    fn stubs_are_known_by_their_jumps() {
        let mut code = vec![0xff, 0x35, 0, 0, 0, 0, 0xff, 0x25, 0, 1, 0, 0, 0, 0, 0, 0];
        // at 0x1010: jmp *0x2000; at 0x1020: endbr64, jmp *0x2008
        code.extend([
            0xff, 0x25, 0xea, 0x0f, 0, 0, 0x68, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0,
        ]);
        code.extend([0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0xde, 0x0f, 0, 0]);
        let targets = [(0x2000, "puts"), (0x2008, "_ZN3foo3barEv")];
        let table = linkage_table(0x1000, STUB, &code, &targets.into_iter().collect());
        let targets: Vec<_> = table.targets.iter().map(Option::as_deref).collect();
        assert_eq!(targets, [None, Some("puts"), Some("foo::bar()")]);
        let exports = Exports {
            segments: vec![Segment {
                offset: FileOffset(0),
                size: 0x3000,
                address: 0,
            }],
            tables: vec![table],
            ..Exports::default()
        };
        let stub = |offset| exports.stub(FileOffset(offset));
        assert_eq!(
            stub(0x101f),
            Some(Stub {
                target: Some("puts")
            })
        );
        assert_eq!(stub(0x1008), Some(Stub { target: None }));
        assert_eq!((stub(0xfff), stub(0x1040)), (None, None));
    }

    /// Check that the functions of the C library that this runs with are found, and its stubs.
    #[test]
    fn library_is_read() {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("it is there");
        let path = maps.lines().find_map(|line| {
            let path = line.split_whitespace().last()?;
            path.contains("libc.so").then_some(path)
        });
        let exports = Exports::read(Path::new(path.expect("it is linked")));
        let has = |name: &str| exports.functions.values().any(|known| known == name);
        assert!(has("malloc") && has("fork") && !has("__libc_malloc"));
        assert!(!exports.tables.is_empty());
    }
}
