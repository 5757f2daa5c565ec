//! From frames to names. What a file's symbols are is blazesym's; of code that was made
//! at run time the process itself wrote the names.

pub mod debug_files;
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
use std::path::{Path, PathBuf};

use blazesym::symbolize::source::Source;
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
        name_file(files, module, frames, &mut names);
    }
    in_jit.name(jit_maps, &mut names);
    name_kernel(&in_kernel, &mut names);
    names
}

fn name_file(
    files: &ModuleFiles,
    module: ModuleId,
    frames: Vec<(FrameId, FileOffset)>,
    names: &mut Names,
) {
    let (rest, reason) = match files.path(module) {
        Ok(path) => name_by_symbols(&path, frames, names),
        Err(reason) => (frames, reason),
    };
    let base = files.base_name(module);
    for (id, offset) in rest {
        names.set_unnamed(id, FrameName::in_file(&base, offset), reason);
    }
}

/// Names frames in a file that has symbols for them; returns the others, and why.
fn name_by_symbols(
    path: &Path,
    frames: Vec<(FrameId, FileOffset)>,
    names: &mut Names,
) -> (Vec<(FrameId, FileOffset)>, Unnamed) {
    let blazesym = blazesym(&debug_files::directories(path));
    let mut rest = frames;
    let mut reason = Unnamed::Unreadable;
    for symbols in debug_files::sources(path) {
        let asked: Vec<_> = rest
            .iter()
            .filter_map(|&(id, offset)| Some((id, symbols.address(offset)?)))
            .collect();
        if asked.is_empty() {
            continue;
        }
        let addresses: Vec<_> = asked.iter().map(|(_, address)| *address).collect();
        let Ok(found) = blazesym.symbolize(&symbols.source, symbols.input(&addresses)) else {
            continue;
        };
        reason = Unnamed::NoSymbol;
        for (&(id, _), symbol) in asked.iter().zip(found) {
            if let Symbolized::Sym(symbol) = symbol {
                names.set(id, with_inlined(&symbol, Kind::User));
            }
        }
        rest.retain(|(id, _)| names.of(*id).is_empty());
    }
    (rest, reason)
}

fn blazesym(debug_directories: &[PathBuf]) -> Blazesym {
    Blazesym::builder()
        .enable_auto_reload(false)
        .enable_code_info(true)
        .enable_inlined_fns(true)
        .set_debug_dirs(Some(debug_directories))
        .build()
}

fn name_kernel(frames: &[(FrameId, KernelAddress)], names: &mut Names) {
    let addresses: Vec<u64> = frames.iter().map(|(_, address)| address.0).collect();
    let source = Source::Kernel(kernel::source());
    let blazesym = blazesym(&[]);
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
