//! The code of a module: its file, believed by build id, and the functions in it.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use blazesym::symbolize::{Symbolized, Symbolizer};
use object::{Architecture, Object as _, ObjectSegment as _, ReadCache};

use super::instructions::{Bits, Instruction, decode};
use crate::addr::FileOffset;
use crate::event::{BuildId, FileIdentity};
use crate::profile::modules::ModuleInfo;
use crate::profile::names::clean;
use crate::symbolize::debug_files::{self, Symbols};
use crate::symbolize::regular;

/// Functions that are longer are cut: nobody reads them.
const LONGEST: u64 = 1 << 20;
/// Bytes after the last sample that are shown of a function whose end is not known.
const AFTER_LAST: u64 = 32;

/// A module's file that is the one that was sampled.
pub struct ModuleCode {
    file: File,
    bits: Bits,
    segments: Vec<Segment>,
    blazesym: Symbolizer,
    sources: Vec<Symbols>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: u64,
    size: u64,
    address: u64,
}

/// A function, as far as its symbol goes.
#[derive(Clone, Debug)]
pub struct Region {
    /// The symbol, safe to show.
    pub symbol: String,
    /// What is in it.
    pub instructions: Vec<Instruction>,
}

/// The symbol of a function: its addresses are those of the file.
struct Function {
    name: String,
    start: u64,
    size: Option<u64>,
}

impl ModuleCode {
    /// Opens a module's file by the path that it was mapped under.
    ///
    /// # Errors
    /// Why its instructions cannot be shown.
    pub fn open(module: &ModuleInfo) -> Result<Self, String> {
        let path = Path::new(OsStr::from_bytes(&module.module.path));
        let file = regular::open(path).map_err(|error| error.to_string())?;
        let (bits, segments) = {
            let cache = ReadCache::new(&file);
            let elf = object::File::parse(&cache).map_err(|error| error.to_string())?;
            let build_id = elf.build_id().ok().flatten().map(BuildId::new);
            check_identity(module, build_id.as_ref(), &file)?;
            (bits(elf.architecture())?, segments(&elf))
        };
        let directories = debug_files::directories(path);
        let blazesym = Symbolizer::builder()
            .enable_auto_reload(false)
            .enable_code_info(false)
            .enable_inlined_fns(false)
            .set_debug_dirs(Some(&directories))
            .build();
        Ok(Self {
            file,
            bits,
            segments,
            blazesym,
            sources: debug_files::sources(path),
        })
    }

    /// The address that a place in the file has by its own account.
    #[must_use]
    pub fn address(&self, offset: FileOffset) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let inside = offset.0.checked_sub(segment.offset)?;
            (inside < segment.size).then(|| segment.address.wrapping_add(inside))
        })
    }

    /// The functions that these places are in, each once, in order.
    #[must_use]
    pub fn regions(&self, places: &[FileOffset]) -> Vec<Region> {
        let mut places = places.to_vec();
        places.sort_unstable();
        let mut regions = Vec::new();
        let mut end = 0;
        for (position, &place) in places.iter().enumerate() {
            let address = self.address(place).filter(|address| *address >= end);
            let Some((address, function)) = address.zip(self.function(place)) else {
                continue;
            };
            let start = function.start;
            end = match function.size {
                Some(size) => start.saturating_add(size),
                None => self.last_of(start, &places[position..]) + AFTER_LAST,
            };
            end = end.min(start.saturating_add(LONGEST)).max(address + 1);
            regions.push(Region {
                symbol: function.name,
                instructions: decode(&self.read(start, end), start, self.bits),
            });
        }
        regions
    }

    /// The last of some places that are in the function that starts here.
    fn last_of(&self, start: u64, places: &[FileOffset]) -> u64 {
        let is_in_it = |place: &&FileOffset| {
            let function = self.function(**place);
            function.is_some_and(|function| function.start == start)
        };
        let last = places.iter().take_while(is_in_it).last();
        last.and_then(|place| self.address(*place)).unwrap_or(start)
    }

    fn function(&self, place: FileOffset) -> Option<Function> {
        self.sources.iter().find_map(|symbols| {
            let asked = [symbols.address(place)?];
            let found = self
                .blazesym
                .symbolize(&symbols.source, symbols.input(&asked));
            match found.ok()?.into_iter().next()? {
                Symbolized::Sym(symbol) => Some(Function {
                    name: clean(&symbol.name),
                    start: symbol.addr,
                    size: symbol
                        .size
                        .and_then(|size| u64::try_from(size).ok())
                        .filter(|size| *size > 0),
                }),
                Symbolized::Unknown(_) => None,
            }
        })
    }

    /// The bytes between two addresses, as far as the file has them.
    fn read(&self, start: u64, end: u64) -> Vec<u8> {
        let found = self.segments.iter().find_map(|segment| {
            let inside = start.checked_sub(segment.address)?;
            let len = segment.size.checked_sub(inside)?.min(end - start);
            Some((segment.offset + inside, usize::try_from(len).ok()?))
        });
        let Some((offset, len)) = found else {
            return Vec::new();
        };
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

impl fmt::Debug for ModuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleCode")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn bits(architecture: Architecture) -> Result<Bits, String> {
    match architecture {
        Architecture::X86_64 | Architecture::X86_64_X32 => Ok(Bits::B64),
        Architecture::I386 => Ok(Bits::B32),
        other => Err(format!("it is for {other:?}; only x86 is disassembled")),
    }
}

fn segments<'data>(elf: &object::File<'data, &'data ReadCache<&File>>) -> Vec<Segment> {
    elf.segments()
        .map(|segment| Segment {
            offset: segment.file_range().0,
            size: segment.file_range().1,
            address: segment.address(),
        })
        .collect()
}

/// Accepts a file by its build id, or, where the recording has none, by size and time.
fn check_identity(
    module: &ModuleInfo,
    build_id: Option<&BuildId>,
    file: &File,
) -> Result<(), String> {
    match (&module.build_id, build_id) {
        (Some(recorded), Some(found)) if recorded == found => Ok(()),
        (Some(recorded), found) => Err(format!(
            "it is another file now: its build id is {}, the recorded one {}",
            found.map_or_else(|| "missing".into(), hexadecimal),
            hexadecimal(recorded)
        )),
        (None, _) if is_same_content(&module.module.identity, file) => Ok(()),
        (None, _) => Err(
            "no build id was recorded, and size or time of change are not those that were".into(),
        ),
    }
}

fn is_same_content(identity: &FileIdentity, file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| {
        let seconds = metadata.mtime().wrapping_mul(1_000_000_000);
        let changed = seconds.wrapping_add(metadata.mtime_nsec()).cast_unsigned();
        (identity.size, identity.mtime_ns) == (metadata.size(), changed)
    })
}

fn hexadecimal(build_id: &BuildId) -> String {
    let mut text = String::new();
    for byte in build_id.as_bytes() {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use object::{ObjectSymbol as _, SymbolKind};

    use super::*;
    use crate::addr::UserAddress;
    use crate::code::instructions::position;
    use crate::event::Module;
    use crate::id::{ModuleId, Pid};

    fn module(path: &Path, build_id: Option<&[u8]>) -> ModuleInfo {
        let metadata = std::fs::metadata(path).expect("it exists");
        let seconds = metadata.mtime() * 1_000_000_000;
        ModuleInfo {
            module: Module {
                id: ModuleId(2),
                identity: FileIdentity {
                    device: 0,
                    inode: metadata.ino(),
                    size: metadata.size(),
                    mtime_ns: (seconds + metadata.mtime_nsec()).cast_unsigned(),
                },
                path: path.as_os_str().as_bytes().into(),
                deleted: false,
                pid: Pid(1),
                mapped: (UserAddress(0), UserAddress(1)),
            },
            build_id: build_id.map(BuildId::new),
        }
    }

    fn program() -> PathBuf {
        std::env::current_exe().expect("a test has a program")
    }

    /// Check that a file is accepted by its build id, or else by size and time, and that it
    /// is said why not.
    #[test]
    fn files_are_proven() {
        let path = program();
        let cache = ReadCache::new(File::open(&path).expect("it is running"));
        let elf = object::File::parse(&cache).expect("it is running");
        let own = elf.build_id().expect("it can be read").expect("it has one");
        assert!(ModuleCode::open(&module(&path, Some(own))).is_ok());
        assert!(ModuleCode::open(&module(&path, None)).is_ok());

        let error = ModuleCode::open(&module(&path, Some(b"xyz"))).expect_err("another");
        assert!(
            error.contains("another file") && error.contains("78797a"),
            "{error}"
        );
        let mut touched = module(&path, None);
        touched.module.identity.mtime_ns += 1;
        let error = ModuleCode::open(&touched).expect_err("it is another");
        assert!(error.contains("no build id was recorded"), "{error}");
        let mut gone = touched;
        gone.module.path = b"/no/such/file".to_vec();
        let error = ModuleCode::open(&gone).expect_err("there is none");
        assert!(error.contains("No such file"), "{error}");
        let text = Path::new("/proc/self/status");
        assert!(ModuleCode::open(&module(text, None)).is_err());
    }

    /// Check that the function that a place is in is found and decoded from its start on.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn functions_are_found() {
        let code = ModuleCode::open(&module(&program(), None)).expect("it is running");
        let cache = ReadCache::new(File::open(program()).expect("it is running"));
        let elf = object::File::parse(&cache).expect("it is running");
        let symbol = elf.symbols().find(|symbol| {
            symbol.kind() == SymbolKind::Text
                && symbol.size() > 64
                && symbol.name().is_ok_and(|name| name.contains("module_code"))
        });
        let address = symbol.expect("it is this file's").address();
        let mut segments = code.segments.iter();
        let segment = segments.find(|segment| address.wrapping_sub(segment.address) < segment.size);
        let segment = segment.expect("it is loaded");
        let place = |inside| FileOffset(address - segment.address + segment.offset + inside);

        let regions = code.regions(&[place(9), place(0), place(5)]);
        assert_eq!(regions.len(), 1);
        let region = &regions[0];
        assert!(region.symbol.contains("module_code"), "{}", region.symbol);
        assert_eq!(region.instructions[0].address, address);
        assert_eq!(code.address(place(9)), Some(address + 9));
        assert!(position(&region.instructions, address + 9).is_some());
        assert!(code.regions(&[FileOffset(u64::MAX)]).is_empty());
    }
}
