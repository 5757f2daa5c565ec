//! Symbols that were read in the process, of files that could not be opened: put together
//! from pieces, of which some may never come, and made into a file that can be asked.
//!
//! A process may have made up all of it. What does not hold together is left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use object::elf::{
    self, FileHeader64, Ident, SHN_ABS, SHT_DYNSYM, SHT_NULL, SHT_STRTAB, SHT_SYMTAB, STT_FUNC,
    STT_GNU_IFUNC, SectionHeader64, Sym64,
};
use object::{LittleEndian as LE, U16, U32, U64, pod};
use rustix::fs::{MemfdFlags, memfd_create};

use super::debug_files::Symbols;
use crate::event::{ModuleSymbols, Segment, SymbolPart, SymbolTable, SymbolTables};
use crate::id::ModuleId;

/// Bytes of one table; the kernel side sends no more.
const TABLE_BYTES: u64 = 4 << 20;
/// Bytes of all tables: beyond that those of the modules that were met first are dropped.
const ALL_BYTES: u64 = 24 << 20;

/// Bytes of a name: many symbols may share one that is as long as all of the table.
const NAME_MAX: usize = 16 << 10;

/// What was captured of every module that needed it.
#[derive(Debug, Default)]
pub struct CapturedSymbols {
    /// By number: those that were met first come first.
    modules: BTreeMap<ModuleId, Captured>,
    bytes: u64,
    /// Complete ones that were dropped since.
    dropped: u64,
}

/// The tables of one module, as far as they came.
#[derive(Debug, Default)]
struct Captured {
    tables: SymbolTables,
    symbols: Pieces,
    strings: Pieces,
}

impl CapturedSymbols {
    /// Takes what was read. Tables that are told of again begin anew.
    pub fn add(&mut self, notice: ModuleSymbols) {
        match notice.what {
            SymbolPart::Tables(tables) => self.begin(notice.module, tables),
            SymbolPart::Bytes(table, offset, bytes) => {
                let Some(module) = self.modules.get_mut(&notice.module) else {
                    return;
                };
                let pieces = match table {
                    SymbolTable::Symbols => &mut module.symbols,
                    SymbolTable::Strings => &mut module.strings,
                };
                pieces.put(offset, &bytes);
            }
        }
    }

    fn begin(&mut self, module: ModuleId, tables: SymbolTables) {
        if let Some(before) = self.modules.remove(&module) {
            self.bytes -= before.size();
        }
        if tables.symbols_size > TABLE_BYTES || tables.strings_size > TABLE_BYTES {
            return;
        }
        let captured = Captured {
            symbols: Pieces::new(tables.symbols_size),
            strings: Pieces::new(tables.strings_size),
            tables,
        };
        self.bytes += captured.size();
        self.modules.insert(module, captured);
        while self.bytes > ALL_BYTES
            && let Some((_, first)) = self.modules.pop_first()
        {
            self.bytes -= first.size();
            self.dropped += u64::from(first.is_complete());
        }
    }

    /// Of how many modules everything came that was to come.
    #[must_use]
    pub fn complete(&self) -> u64 {
        let complete = self.modules.values().filter(|module| module.is_complete());
        self.dropped + complete.count() as u64
    }

    /// Makes a file with the symbols of a module, if any came.
    #[must_use]
    pub fn make_file(&self, module: ModuleId) -> Option<MadeFile> {
        let module = self.modules.get(&module)?;
        let symbols = module.usable_symbols();
        if symbols.is_empty() {
            return None;
        }
        let file = write(&symbols, &module.strings, module.tables.with_local).ok()?;
        Some(MadeFile {
            file,
            segments: module.tables.segments.to_vec(),
        })
    }
}

impl Captured {
    fn size(&self) -> u64 {
        self.tables.symbols_size + self.tables.strings_size
    }

    fn is_complete(&self) -> bool {
        self.symbols.is_complete() && self.strings.is_complete()
    }

    /// Functions with an address and a name that came.
    fn usable_symbols(&self) -> Vec<Sym64<LE>> {
        let (symbols, _) = self.symbols.bytes.as_chunks::<{ size_of::<Sym64<LE>>() }>();
        symbols
            .iter()
            .filter_map(|bytes| Some(*pod::from_bytes::<Sym64<LE>>(bytes).ok()?.0))
            .filter(|symbol| {
                let value = symbol.st_value.get(LE);
                matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC)
                    && symbol.st_shndx.get(LE) != elf::SHN_UNDEF
                    && value != 0
                    && value.checked_add(symbol.st_size.get(LE)).is_some()
                    && self.strings.has_text(symbol.st_name.get(LE))
            })
            .map(|symbol| Sym64 {
                // the sections that the file had are not here
                st_shndx: U16::new(LE, SHN_ABS),
                ..symbol
            })
            .collect()
    }
}

/// A stretch of bytes that comes in pieces; what did not come is zero.
#[derive(Debug, Default)]
struct Pieces {
    bytes: Vec<u8>,
    /// Where pieces begin and end, in order and apart from each other.
    came: Vec<(usize, usize)>,
}

impl Pieces {
    fn new(size: u64) -> Self {
        Self {
            bytes: vec![0; usize::try_from(size).expect("the size was bounded")],
            came: Vec::new(),
        }
    }

    /// Takes a piece that lies within; of what came before, the first stays.
    fn put(&mut self, offset: u64, bytes: &[u8]) {
        let Ok(start) = usize::try_from(offset) else {
            return;
        };
        let Some(end) = start.checked_add(bytes.len()) else {
            return;
        };
        let place = self.came.partition_point(|&(_, before)| before <= start);
        let overlaps = self.came.get(place).is_some_and(|&(next, _)| next < end);
        let Some(room) = self.bytes.get_mut(start..end) else {
            return;
        };
        if overlaps || start == end {
            return;
        }
        room.copy_from_slice(bytes);
        self.came.insert(place, (start, end));
        self.join(place);
    }

    /// Makes one stretch of those that touch at a place.
    fn join(&mut self, place: usize) {
        if let Some(&(start, end)) = self.came.get(place + 1)
            && start == self.came[place].1
        {
            self.came[place].1 = end;
            self.came.remove(place + 1);
        }
        if place > 0 && self.came[place - 1].1 == self.came[place].0 {
            self.came[place - 1].1 = self.came[place].1;
            self.came.remove(place);
        }
    }

    fn is_complete(&self) -> bool {
        self.came.first() == Some(&(0, self.bytes.len()))
    }

    /// Whether all of a text came, its end too, and it is one, and not empty.
    fn has_text(&self, offset: u32) -> bool {
        let Ok(offset) = usize::try_from(offset) else {
            return false;
        };
        let place = self.came.partition_point(|&(_, end)| end <= offset);
        let Some(&(start, end)) = self.came.get(place) else {
            return false;
        };
        if start > offset {
            return false;
        }
        let end = end.min(offset + NAME_MAX);
        let mut texts = self.bytes[offset..end].split_inclusive(|&byte| byte == 0);
        let text = texts.next().and_then(|text| text.strip_suffix(b"\0"));
        text.is_some_and(|text| !text.is_empty() && std::str::from_utf8(text).is_ok())
    }
}

/// A file, in memory, that has the symbols of another one.
#[derive(Debug)]
pub struct MadeFile {
    file: File,
    segments: Vec<Segment>,
}

impl MadeFile {
    /// How to ask it.
    #[must_use]
    pub fn symbols(&self) -> Symbols {
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        Symbols::made(Path::new(&path), self.segments.clone())
    }
}

/// Names of sections, of which a table of symbols and its strings have the first or the last.
const SECTION_NAMES: &[u8] = b"\0.dynsym\0.dynstr\0.symtab\0.strtab\0";
const DYNSYM: (u32, u32) = (1, 9);
const SYMTAB: (u32, u32) = (17, 25);

/// Writes an ELF file of three sections: symbols, their names, and the names of sections.
fn write(symbols: &[Sym64<LE>], strings: &Pieces, with_local: bool) -> io::Result<File> {
    let symbols = pod::bytes_of_slice(symbols);
    let ((symbols_name, strings_name), kind) = if with_local {
        (SYMTAB, SHT_SYMTAB)
    } else {
        (DYNSYM, SHT_DYNSYM)
    };
    let mut sections = vec![section(0, SHT_NULL, 0, 0)];
    let mut at = size_of::<FileHeader64<LE>>() + 4 * size_of::<SectionHeader64<LE>>();
    for (name, kind, content) in [
        (symbols_name, kind, symbols),
        (strings_name, SHT_STRTAB, &strings.bytes[..]),
        (0, SHT_STRTAB, SECTION_NAMES),
    ] {
        sections.push(section(name, kind, at, content.len()));
        at += content.len();
    }
    let mut file = File::from(memfd_create("symbols", MemfdFlags::CLOEXEC)?);
    file.write_all(pod::bytes_of(&file_header()))?;
    file.write_all(pod::bytes_of_slice(&sections))?;
    for content in [symbols, &strings.bytes, SECTION_NAMES] {
        file.write_all(content)?;
    }
    Ok(file)
}

fn section(name: u32, kind: u32, offset: usize, size: usize) -> SectionHeader64<LE> {
    let is_symbols = matches!(kind, SHT_SYMTAB | SHT_DYNSYM);
    SectionHeader64 {
        sh_name: U32::new(LE, name),
        sh_type: U32::new(LE, kind),
        sh_flags: U64::new(LE, 0),
        sh_addr: U64::new(LE, 0),
        sh_offset: U64::new(LE, offset as u64),
        sh_size: U64::new(LE, size as u64),
        sh_link: U32::new(LE, if is_symbols { 2 } else { 0 }),
        sh_info: U32::new(LE, 0),
        sh_addralign: U64::new(LE, 1),
        sh_entsize: U64::new(LE, if is_symbols { 24 } else { 0 }),
    }
}

fn file_header() -> FileHeader64<LE> {
    let size = |size: usize| U16::new(LE, u16::try_from(size).expect("headers are short"));
    FileHeader64 {
        e_ident: Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS64,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(LE, elf::ET_DYN),
        e_machine: U16::new(LE, elf::EM_X86_64),
        e_version: U32::new(LE, elf::EV_CURRENT.into()),
        e_entry: U64::new(LE, 0),
        e_phoff: U64::new(LE, 0),
        e_shoff: U64::new(LE, size_of::<FileHeader64<LE>>() as u64),
        e_flags: U32::new(LE, 0),
        e_ehsize: size(size_of::<FileHeader64<LE>>()),
        e_phentsize: size(0),
        e_phnum: size(0),
        e_shentsize: size(size_of::<SectionHeader64<LE>>()),
        e_shnum: size(4),
        e_shstrndx: size(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::FileOffset;
    use crate::fuzz::Fuzz;

    const MODULE: ModuleId = ModuleId(5);
    const SEGMENT: Segment = Segment {
        offset: FileOffset(0x1000),
        size: 0x1000,
        address: 0x40_1000,
    };

    fn symbol(name: u32, value: u64, size: u64) -> Vec<u8> {
        let symbol = Sym64 {
            st_name: U32::new(LE, name),
            st_info: STT_FUNC,
            st_other: 0,
            st_shndx: U16::new(LE, 1),
            st_value: U64::new(LE, value),
            st_size: U64::new(LE, size),
        };
        pod::bytes_of(&symbol).to_vec()
    }

    fn add(captured: &mut CapturedSymbols, what: SymbolPart) {
        let module = MODULE;
        captured.add(ModuleSymbols { module, what });
    }

    /// Begins a capture of tables that long.
    fn begun(symbols_size: usize, strings_size: usize) -> CapturedSymbols {
        let mut captured = CapturedSymbols::default();
        let tables = SymbolTables {
            symbols_size: symbols_size as u64,
            strings_size: strings_size as u64,
            cut: false,
            with_local: false,
            segments: [SEGMENT].into(),
        };
        add(&mut captured, SymbolPart::Tables(tables));
        captured
    }

    /// The name of a place in the file.
    fn name(captured: &CapturedSymbols, offset: u64) -> Option<String> {
        let file = captured.make_file(MODULE)?;
        let symbols = file.symbols();
        let address = symbols.address(FileOffset(offset))?;
        let blazesym = crate::symbolize::symbolizer::blazesym(&[]);
        let found = blazesym
            .symbolize_single(
                &symbols.source,
                blazesym::symbolize::Input::VirtOffset(address),
            )
            .expect("the file is well-formed");
        found.into_sym().map(|symbol| symbol.name.into_owned())
    }

    /// Check that names come out where the symbols have them, and nowhere else, in whatever
    /// order the pieces came.
    #[test]
    fn pieces_become_names() {
        let strings = b"\0first\0second\0";
        let symbols = [symbol(1, 0x40_1100, 16), symbol(7, 0x40_1200, 16)].concat();
        let mut captured = begun(symbols.len(), strings.len());
        let piece = |table, offset, bytes: &[u8]| SymbolPart::Bytes(table, offset, bytes.into());
        add(&mut captured, piece(SymbolTable::Strings, 5, &strings[5..]));
        add(&mut captured, piece(SymbolTable::Symbols, 0, &symbols));
        assert_eq!(captured.complete(), 0);
        assert_eq!(name(&captured, 0x1100), None);
        assert_eq!(name(&captured, 0x1200).as_deref(), Some("second"));
        add(&mut captured, piece(SymbolTable::Strings, 0, &strings[..5]));
        assert_eq!(captured.complete(), 1);
        for (offset, expected) in [
            (0x10ff, None),
            (0x1100, Some("first")),
            (0x110f, Some("first")),
            (0x1110, None),
            (0x120f, Some("second")),
            (0x2100, None),
        ] {
            assert_eq!(name(&captured, offset).as_deref(), expected, "{offset:#x}");
        }
    }

    /// Check that pieces that overlap, repeat or lie outside change nothing.
    #[test]
    fn pieces_stay_as_they_came() {
        let mut pieces = Pieces::new(8);
        for (offset, bytes) in [
            (2, &b"ab"[..]),
            (1, b"xx"),
            (3, b"x"),
            (0, b"xxxxxxxx"),
            (7, b"xx"),
            (8, b"x"),
            (u64::MAX, b"xx"),
            (5, b""),
            (4, b"cd\0e"),
            (0, b"\0"),
        ] {
            pieces.put(offset, bytes);
        }
        assert_eq!(pieces.bytes, b"\0\0abcd\0e");
        assert_eq!(pieces.came, [(0, 1), (2, 8)]);
        assert!(!pieces.is_complete());
        let texts: Vec<_> = (0..9).filter(|&at| pieces.has_text(at)).collect();
        assert_eq!(texts, [2, 3, 4, 5]);
        pieces.put(1, b"z");
        assert!(pieces.is_complete());
    }

    /// Check that symbols that cannot be are left out.
    #[test]
    fn impossible_symbols_are_left_out() {
        let strings = b"\0n\xff\0name";
        let symbols = [
            symbol(1, 0x40_1300, 16),
            symbol(4, 0x40_1100, 16),
            symbol(9, 0x40_1100, 16),
            symbol(u32::MAX, 0x40_1100, 16),
            symbol(0, 0x40_1200, u64::MAX),
        ]
        .concat();
        let mut captured = begun(symbols.len(), strings.len());
        for (table, bytes) in [
            (SymbolTable::Symbols, &symbols[..]),
            (SymbolTable::Strings, strings),
        ] {
            add(&mut captured, SymbolPart::Bytes(table, 0, bytes.into()));
        }
        // the first name is no text, and the other one has no end
        assert!(captured.make_file(MODULE).is_none());
    }

    /// Check that no more is kept than the bounds allow, and that a new beginning frees what
    /// was there.
    #[test]
    fn memory_is_bounded() {
        let table = usize::try_from(TABLE_BYTES).expect("it is small");
        assert!(begun(table + 1, 1).modules.is_empty());
        let mut captured = begun(table, table);
        let tables = captured.modules[&MODULE].tables.clone();
        for id in 6..20 {
            captured.add(ModuleSymbols {
                module: ModuleId(id),
                what: SymbolPart::Tables(tables.clone()),
            });
        }
        // those that came first are dropped
        assert!(
            captured
                .modules
                .keys()
                .copied()
                .eq([17, 18, 19].map(ModuleId))
        );
        captured.add(ModuleSymbols {
            module: ModuleId(18),
            what: SymbolPart::Tables(SymbolTables::default()),
        });
        assert_eq!(captured.bytes, 2 * 2 * TABLE_BYTES);
    }

    /// Check that whatever a process has for symbols, names come of it or none do.
    #[test]
    fn damage_is_harmless() {
        let strings = b"\0first\0second\0third\0\0\0\0\0\0";
        let symbols = [symbol(1, 0x40_1100, 16), symbol(7, 0x40_1200, 0)].concat();
        let tables = [&symbols[..], strings].concat();
        Fuzz::of(&[&tables]).one_in(2).run(|tables| {
            let (symbols, strings) = tables.split_at(symbols.len().min(tables.len()));
            let mut captured = begun(symbols.len(), strings.len());
            for (table, bytes) in [
                (SymbolTable::Symbols, symbols),
                (SymbolTable::Strings, strings),
            ] {
                for (count, piece) in bytes.chunks(20).enumerate() {
                    let part = SymbolPart::Bytes(table, count as u64 * 20, piece.into());
                    add(&mut captured, part);
                }
            }
            for offset in [0, 0x1100, 0x1208, u64::MAX] {
                let name = name(&captured, offset).unwrap_or_default();
                assert!(name.len() <= 3 * strings.len());
            }
        });
    }
}
