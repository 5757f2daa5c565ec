//! Mappings: where modules lie in the one address space that a pprof profile has.
//!
//! Samples of many processes have no common one, and frames are places in files. So each
//! file gets a range of its own, in which the pages that code was seen on are mapped: from
//! them pprof finds the segment, and so symbols and instructions, as it would for a program
//! that ran there. Code made at run time and the kernel keep their addresses.

use std::collections::BTreeMap;

use super::proto::Mapping;
use super::strings::Strings;
use crate::export::class::is_library;
use crate::id::ModuleId;
use crate::profile::frames::Frame;
use crate::profile::modules::ModuleTable;

/// Where the first file lies, and to what the next is aligned.
const FIRST: u64 = 0x1000_0000;
const ALIGNMENT: u64 = 0x20_0000;

const PAGE: u64 = 0x1000;

/// What is mapped. Programs come before libraries: pprof calls the first mapping the main
/// binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mapped {
    Program(ModuleId),
    Library(ModuleId),
    Anonymous,
    Kernel,
}

/// What is known of the frames in a mapping.
#[derive(Clone, Copy, Debug)]
struct Extent {
    lowest: u64,
    highest: u64,
    all_named: bool,
    with_lines: bool,
}

/// Finds out what has to be mapped.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    modules: &'a ModuleTable,
    extents: BTreeMap<Mapped, Extent>,
}

/// The mappings of a profile.
#[derive(Debug)]
pub(super) struct Mappings<'a> {
    modules: &'a ModuleTable,
    /// The id, and what is added to a frame's place to make it an address.
    bases: BTreeMap<Mapped, (u64, u64)>,
    /// As they are written.
    pub(super) all: Vec<Mapping>,
}

impl<'a> Survey<'a> {
    /// Makes one of nothing.
    pub(super) fn new(modules: &'a ModuleTable) -> Self {
        Self {
            modules,
            extents: BTreeMap::new(),
        }
    }

    /// Takes a frame, and whether it has a name and a line.
    pub(super) fn add(&mut self, frame: Frame, named: bool, with_line: bool) {
        let Some((mapped, place)) = place(self.modules, frame) else {
            return;
        };
        let extent = self.extents.entry(mapped).or_insert(Extent {
            lowest: place,
            highest: place,
            all_named: true,
            with_lines: false,
        });
        extent.lowest = extent.lowest.min(place);
        extent.highest = extent.highest.max(place);
        extent.all_named &= named;
        extent.with_lines |= with_line;
    }

    /// Gives everything its addresses.
    pub(super) fn lay_out(self, strings: &mut Strings) -> Mappings<'a> {
        let mut next = FIRST;
        let mut mappings = Mappings {
            modules: self.modules,
            bases: BTreeMap::new(),
            all: Vec::new(),
        };
        for (id, (mapped, extent)) in (1..).zip(self.extents) {
            let (lowest, limit) = (extent.lowest & !(PAGE - 1), up(extent.highest, PAGE));
            let (base, file_offset) = match mapped {
                Mapped::Program(_) | Mapped::Library(_) => {
                    let end = up(next + limit, ALIGNMENT);
                    (std::mem::replace(&mut next, end), lowest)
                }
                Mapped::Anonymous | Mapped::Kernel => (0, 0),
            };
            let (file_name, build_id) = names(self.modules, mapped);
            mappings.bases.insert(mapped, (id, base));
            mappings.all.push(Mapping {
                id,
                memory_start: base + lowest,
                memory_limit: base.saturating_add(limit),
                file_offset,
                filename: strings.id(&file_name),
                build_id: strings.id(&build_id),
                has_functions: extent.all_named,
                has_filenames: extent.with_lines,
                has_line_numbers: extent.with_lines,
                has_inline_frames: extent.with_lines,
            });
        }
        mappings
    }
}

impl Mappings<'_> {
    /// The mapping and the address of a frame, both 0 for what is no code.
    pub(super) fn locate(&self, frame: Frame) -> (u64, u64) {
        let found = place(self.modules, frame);
        let located = found.and_then(|(mapped, place)| {
            let (id, base) = self.bases.get(&mapped)?;
            Some((*id, base + place))
        });
        located.unwrap_or_default()
    }
}

/// What a frame is in, and where there. Offsets that no file can have are not believed.
fn place(modules: &ModuleTable, frame: Frame) -> Option<(Mapped, u64)> {
    let in_file = |offset: u64| offset.min(u64::from(u32::MAX) << 8);
    match frame {
        Frame::Reason(_) | Frame::WakerThread(_) => None,
        Frame::File(module, offset) if is_library(modules, module) => {
            Some((Mapped::Library(module), in_file(offset.0)))
        }
        Frame::File(module, offset) => Some((Mapped::Program(module), in_file(offset.0))),
        Frame::Anonymous(_, _, address) => Some((Mapped::Anonymous, address.0)),
        Frame::Kernel(address) | Frame::Waker(address) => Some((Mapped::Kernel, address.0)),
    }
}

/// The next address above that is a multiple of a power of two.
fn up(address: u64, power: u64) -> u64 {
    (address | (power - 1)).saturating_add(1)
}

/// File name and build id.
fn names(modules: &ModuleTable, mapped: Mapped) -> (String, String) {
    match mapped {
        Mapped::Anonymous => ("[anon]".into(), String::new()),
        Mapped::Kernel => ("[kernel.kallsyms]".into(), String::new()),
        Mapped::Program(module) | Mapped::Library(module) => match modules.get(module) {
            None => (modules.base_name(module).to_string(), String::new()),
            Some(info) => {
                let build_id = info.build_id.as_ref();
                (
                    info.path(),
                    build_id.map(ToString::to_string).unwrap_or_default(),
                )
            }
        },
    }
}
