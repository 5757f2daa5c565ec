//! From frames to names. Everything about files and symbols is blazesym's; of code that
//! was made at run time the process itself wrote the names.

pub mod files;
pub mod jit;
pub mod jit_maps;
pub mod jitdump;
pub mod kernel;
pub mod names;
pub mod perf_map;
pub mod regular;
pub mod wanted;

use std::collections::HashMap;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{Input, Sym, Symbolized, Symbolizer as Blazesym};

use self::files::ModuleFiles;
use self::jit::JitFrames;
use self::jit_maps::JitMaps;
use self::names::{FrameName, Kind, Names, Unnamed};
use crate::addr::{FileOffset, KernelAddress};
use crate::id::ModuleId;
use crate::profile::frames::{Frame, FrameId, FrameTable};

/// Names every frame of a table.
///
/// What cannot be named says where it is and why it has no name.
#[must_use]
pub fn symbolize(frames: &FrameTable, files: &ModuleFiles, jit_maps: &JitMaps) -> Names {
    let blazesym = Blazesym::builder()
        .enable_auto_reload(false)
        .enable_code_info(true)
        .enable_inlined_fns(true)
        .build();
    let mut names = Names::for_frames(frames.len());
    let mut in_files: HashMap<ModuleId, Vec<(FrameId, FileOffset)>> = HashMap::new();
    let mut in_jit = JitFrames::default();
    let mut in_kernel = Vec::new();
    for (id, frame) in frames.iter() {
        match frame {
            Frame::Reason(outcome) => {
                names.set(id, vec![FrameName::reason(outcome)]);
            }
            Frame::File(module, offset) => in_files.entry(module).or_default().push((id, offset)),
            Frame::Anonymous(pid, start, address) => in_jit.add(pid, start, id, address),
            Frame::Kernel(address) => in_kernel.push((id, address)),
        }
    }
    for (module, frames) in in_files {
        name_file(&blazesym, files, module, &frames, &mut names);
    }
    in_jit.name(jit_maps, &mut names);
    name_kernel(&blazesym, &in_kernel, &mut names);
    names
}

fn name_file(
    blazesym: &Blazesym,
    files: &ModuleFiles,
    module: ModuleId,
    frames: &[(FrameId, FileOffset)],
    names: &mut Names,
) {
    let base = files.base_name(module);
    let give_up = |names: &mut Names, id, offset, reason| {
        names.set_unnamed(id, FrameName::in_file(&base, offset), reason);
    };
    let path = match files.path(module) {
        Ok(path) => path,
        Err(reason) => {
            for &(id, offset) in frames {
                give_up(names, id, offset, reason);
            }
            return;
        }
    };
    let offsets: Vec<u64> = frames.iter().map(|(_, offset)| offset.0).collect();
    let source = Source::Elf(Elf::new(path));
    match blazesym.symbolize(&source, Input::FileOffset(&offsets)) {
        Ok(symbols) => {
            for (&(id, offset), symbol) in frames.iter().zip(symbols) {
                match symbol {
                    Symbolized::Sym(symbol) => names.set(id, with_inlined(&symbol, Kind::User)),
                    Symbolized::Unknown(_) => {
                        give_up(names, id, offset, Unnamed::NoSymbol);
                    }
                }
            }
        }
        Err(_) => {
            for &(id, offset) in frames {
                give_up(names, id, offset, Unnamed::Unreadable);
            }
        }
    }
}

fn name_kernel(blazesym: &Blazesym, frames: &[(FrameId, KernelAddress)], names: &mut Names) {
    let addresses: Vec<u64> = frames.iter().map(|(_, address)| address.0).collect();
    let source = Source::Kernel(kernel::source());
    let symbols = if addresses.is_empty() {
        Vec::new()
    } else {
        blazesym
            .symbolize(&source, Input::AbsAddr(&addresses))
            .unwrap_or_default()
    };
    let mut symbols = symbols.into_iter();
    for &(id, address) in frames {
        match symbols.next() {
            Some(Symbolized::Sym(symbol)) => names.set(id, with_inlined(&symbol, Kind::Kernel)),
            _ => names.set_unnamed(id, FrameName::in_kernel(address), Unnamed::NoKernelSymbols),
        }
    }
}

/// A function and what was inlined into it there, outermost first.
fn with_inlined(symbol: &Sym<'_>, kind: Kind) -> Vec<FrameName> {
    let inlined = symbol
        .inlined
        .iter()
        .map(|function| FrameName::new(&function.name, Kind::Inlined));
    std::iter::once(FrameName::new(&symbol.name, kind))
        .chain(inlined)
        .collect()
}
