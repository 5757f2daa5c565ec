//! Whether a stack is complete: one rule for every profiler.
//!
//! A stack is complete when its outermost user frame that lies in a file (some go on into the
//! arguments behind it) is the first frame of a thread: in the
//! function at the file's entry point (`_start`, of a program or of the dynamic linker), or
//! where call frame information says that there is no caller, as it does in `clone3`,
//! `clone` and `_start` (the return address is undefined; System V ABI for AMD64, 3.4.1 and
//! 6.2), or one of the two of libc that lead from `_start` to `main`: `__libc_start_main` and
//! the function before it, `__libc_start_call_main`, where perf stops. By place and not by
//! name, because distributions strip those names.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gimli::{
    BaseAddresses, CieOrFde, EhFrame, LittleEndian, RegisterRule, UnwindContext, UnwindSection as _,
};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};

/// `_start` and what it runs into, where no FDE says how long it is.
const ENTRY_LENGTH: u64 = 64;

/// Files that were looked at.
#[derive(Default)]
pub(super) struct FirstFrames {
    files: HashMap<PathBuf, Option<File>>,
}

/// What is known of a file.
struct File {
    /// File offsets and the address of their first byte.
    segments: Vec<(Range<u64>, u64)>,
    base: u64,
    firsts: Vec<Range<u64>>,
}

impl FirstFrames {
    /// Whether the place in the file is in the first function of a thread.
    pub(super) fn has_offset(&mut self, path: &Path, offset: u64) -> bool {
        self.file(path).is_some_and(|file| {
            let segment = file
                .segments
                .iter()
                .find(|(range, _)| range.contains(&offset));
            segment.is_some_and(|(range, address)| file.is_first(offset - range.start + address))
        })
    }

    /// The same for an address that the file gives it.
    pub(super) fn has_address(&mut self, path: &Path, address: u64) -> bool {
        self.file(path).is_some_and(|file| file.is_first(address))
    }

    /// The same for an address that is relative to the file's first.
    pub(super) fn has_relative_address(&mut self, path: &Path, relative: u64) -> bool {
        self.file(path)
            .is_some_and(|file| file.is_first(file.base + relative))
    }

    fn file(&mut self, path: &Path) -> Option<&File> {
        let file = self.files.entry(path.to_owned());
        file.or_insert_with(|| File::read(path)).as_ref()
    }
}

impl File {
    fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let elf = object::File::parse(&*bytes).ok()?;
        let segments: Vec<_> = elf
            .segments()
            .map(|segment| {
                let (offset, length) = segment.file_range();
                (offset..offset + length, segment.address())
            })
            .collect();
        let base = segments.iter().map(|(_, address)| *address).min()?;
        let mut firsts = first_functions(&elf).unwrap_or_default();
        if elf.entry() != 0 {
            firsts.push(elf.entry()..elf.entry() + ENTRY_LENGTH);
        }
        Some(Self {
            segments,
            base,
            firsts,
        })
    }

    /// A return address may be just behind the function that called.
    fn is_first(&self, address: u64) -> bool {
        let is_in = |address: u64| self.firsts.iter().any(|range| range.contains(&address));
        is_in(address) || is_in(address.wrapping_sub(1))
    }
}

/// Where call frame information says that there is no caller, and those of libc before `main`.
fn first_functions(elf: &object::File<'_>) -> Option<Vec<Range<u64>>> {
    let section = elf.section_by_name(".eh_frame")?;
    let data = section.data().ok()?;
    let eh_frame = EhFrame::new(data, LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(section.address());
    let mut context = UnwindContext::new();
    let mut found = Vec::new();
    let mut functions = Vec::new();
    let mut entries = eh_frame.entries(&bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else {
            continue;
        };
        let Ok(fde) = partial.parse(EhFrame::cie_from_offset) else {
            continue;
        };
        functions.push(fde.initial_address()..fde.initial_address() + fde.len());
        let return_address = fde.cie().return_address_register();
        let Ok(mut rows) = fde.rows(&eh_frame, &bases, &mut context) else {
            continue;
        };
        while let Ok(Some(row)) = rows.next_row() {
            if matches!(row.register(return_address), Some(RegisterRule::Undefined)) {
                found.push(row.start_address()..row.end_address());
            }
        }
    }
    functions.sort_by_key(|function| function.start);
    let starts_main = elf
        .dynamic_symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok("__libc_start_main"));
    if let Some(symbol) = starts_main {
        let after = functions.partition_point(|function| function.start <= symbol.address());
        found.extend_from_slice(&functions[after.saturating_sub(2)..after]);
    }
    Some(found)
}
