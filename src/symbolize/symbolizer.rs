//! Names the frames of a piece of work.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use blazesym::symbolize::source::Source;
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer as Blazesym};
use rustc_hash::FxHashSet;

use super::debug_files::{self, Symbols};
use super::debuginfod::Debuginfod;
use super::exports::{Exports, Stub};
use super::work::{Content, Named, Work};
use super::{jit, kernel};
use crate::addr::{FileOffset, KernelAddress};
use crate::id::ModuleId;
use crate::privileges::{Use, in_effect};
use crate::profile::frames::FrameId;
use crate::profile::names::{FrameName, Kind, Location, NamedFrame, Naming, Unnamed};

/// Names frames, and keeps what it read of the last file, of which there may be more.
#[derive(Debug)]
pub struct Symbolizer {
    servers: Option<Debuginfod>,
    open: Option<OpenFile>,
    source_files: FxHashSet<Arc<str>>,
}

/// A file with what was read of its symbols.
#[derive(Debug)]
struct OpenFile {
    module: ModuleId,
    content: Content,
    blazesym: Blazesym,
    local: Vec<Symbols>,
    exports: Exports,
    /// What servers have, once they were asked.
    remote: OnceCell<Option<Symbols>>,
}

impl OpenFile {
    fn new(module: ModuleId, content: &Content) -> Self {
        let _symbols = in_effect(Use::Symbols);
        let mut exports = Exports::default();
        let (directories, local) = match content {
            Content::File(file) => {
                let path = file.path();
                let sources = debug_files::sources(path);
                if !sources.is_empty() {
                    exports = Exports::read(path);
                }
                (debug_files::directories(path), sources)
            }
            Content::Captured(made, _) => (Vec::new(), vec![made.symbols()]),
            Content::Missing(_) => (Vec::new(), Vec::new()),
        };
        Self {
            module,
            content: content.clone(),
            blazesym: blazesym(&directories),
            local,
            exports,
            remote: OnceCell::new(),
        }
    }
}

/// Frames of one file.
type Places = Vec<(FrameId, FileOffset)>;

impl Symbolizer {
    /// Makes one that asks servers where they are given.
    #[must_use]
    pub fn new(servers: Option<Debuginfod>) -> Self {
        Self {
            servers,
            open: None,
            source_files: FxHashSet::default(),
        }
    }

    /// Names every frame, or says why it has no name. A file that a parser did not expect costs
    /// its own names only.
    pub fn name(&mut self, work: &Work) -> Named {
        let naming = AssertUnwindSafe(|| self.try_name(work));
        catch_unwind(naming).unwrap_or_else(|_| {
            // what was read of the file may be half of it
            self.open = None;
            work.unnamed(Unnamed::Unreadable)
        })
    }

    fn try_name(&mut self, work: &Work) -> Named {
        match work {
            Work::File {
                module,
                content,
                frames,
                ..
            } => match content.obstacle() {
                Some(reason) => work.unnamed(reason),
                None => self.name_in_file(*module, content, frames, work),
            },
            Work::Jit { sources, frames } => match sources {
                Ok(sources) => jit::name(sources, frames),
                Err(reason) => work.unnamed(*reason),
            },
            Work::Kernel(frames) => self.name_in_kernel(frames),
        }
    }

    /// Names frames in a file where it has symbols for them; of the others it says why not.
    fn name_in_file(
        &mut self,
        module: ModuleId,
        content: &Content,
        frames: &[(FrameId, FileOffset)],
        work: &Work,
    ) -> Named {
        let open = match self.open.take() {
            Some(open) if open.module == module && open.content == *content => open,
            _ => OpenFile::new(module, content),
        };
        let mut named = Named::with_capacity(frames.len());
        let frames = name_stubs(&open.exports, frames, work.base_name(), &mut named);
        let mut rest = frames.clone();
        let mut reason = Unnamed::Unreadable;
        for symbols in &open.local {
            if let Some(unnamed) = self.name_by(&open, symbols, &rest, &mut named) {
                reason = match content {
                    Content::Captured(_, reason) => *reason,
                    _ => Unnamed::NoSymbol,
                };
                rest = unnamed;
            }
        }
        // Lines are a sign that a debug link led to a file, so that none is missing.
        if !rest.is_empty() || !named.iter().any(has_line) {
            self.name_by_servers(&open, work.base_name(), &frames, &mut named);
            rest.retain(|(id, _)| !named.iter().any(|(other, _)| other == id));
        }
        self.open = Some(open);
        let places = rest.into_iter().map(|(id, offset)| {
            let place = FrameName::in_file(work.base_name(), offset);
            (id, Naming::Unnamed(place, reason))
        });
        named.extend(places);
        named
    }

    /// Names frames by what servers have, which knows more than what there is here.
    fn name_by_servers(
        &mut self,
        open: &OpenFile,
        base_name: &str,
        frames: &[(FrameId, FileOffset)],
        named: &mut Named,
    ) {
        let (Some(servers), Content::File(file)) = (&mut self.servers, &open.content) else {
            return;
        };
        let ask = || debug_files::from_servers(file.path(), base_name, servers);
        let Some(symbols) = open.remote.get_or_init(ask) else {
            return;
        };
        let mut better = Named::new();
        self.name_by(open, symbols, frames, &mut better);
        named.retain(|(id, _)| !better.iter().any(|(other, _)| other == id));
        named.append(&mut better);
    }

    /// Names frames by one source of symbols; returns the others, if it can be read at all.
    fn name_by(
        &mut self,
        open: &OpenFile,
        symbols: &Symbols,
        frames: &[(FrameId, FileOffset)],
        named: &mut Named,
    ) -> Option<Places> {
        let _symbols = in_effect(Use::Symbols);
        let address = |&(_, offset): &_| symbols.address(offset);
        let asked: Vec<u64> = frames.iter().filter_map(address).collect();
        if asked.is_empty() {
            return None;
        }
        let mut found = symbolize(&open.blazesym, symbols, &asked)?.into_iter();
        let mut unnamed = Vec::new();
        for frame in frames {
            match address(frame).and_then(|_| found.next()).flatten() {
                Some(symbol) => {
                    let exported = open.exports.better_name(symbol.addr, &symbol.name);
                    let name = exported.unwrap_or(&symbol.name);
                    named.push((frame.0, self.naming(&symbol, name, Kind::User)));
                }
                _ => unnamed.push(*frame),
            }
        }
        Some(unnamed)
    }

    fn name_in_kernel(&mut self, frames: &[(FrameId, KernelAddress)]) -> Named {
        let addresses: Vec<u64> = frames.iter().map(|&(_, address)| address.0).collect();
        let _symbols = in_effect(Use::Symbols);
        let source = Source::Kernel(kernel::source());
        let blazesym = blazesym(&[]);
        let symbols = blazesym
            .symbolize(&source, Input::AbsAddr(&addresses))
            .unwrap_or_default();
        let mut symbols = symbols.into_iter();
        let mut naming = |address| {
            if let Some(Symbolized::Sym(symbol)) = symbols.next() {
                return self.naming(&symbol, &symbol.name, Kind::Kernel);
            }
            Naming::Unnamed(FrameName::in_kernel(address), Unnamed::NoKernelSymbols)
        };
        let name = |&(id, address): &_| (id, naming(address));
        frames.iter().map(name).collect()
    }

    /// A function and what was inlined into it there, outermost first.
    fn naming(&mut self, symbol: &Sym<'_>, name: &str, kind: Kind) -> Naming {
        let mut names = vec![NamedFrame {
            name: FrameName::new(name, kind),
            location: self.location(symbol.code_info.as_deref()),
        }];
        for function in &symbol.inlined {
            names.push(NamedFrame {
                name: FrameName::new(&function.name, Kind::Inlined),
                location: self.location(function.code_info.as_ref()),
            });
        }
        Naming::Named(names)
    }

    fn location(&mut self, code: Option<&CodeInfo<'_>>) -> Option<Location> {
        let code = code?;
        let path = code.to_path();
        let path = path.to_string_lossy();
        let file = self.source_files.get(path.as_ref()).cloned();
        let file = file.unwrap_or_else(|| Arc::from(path));
        self.source_files.insert(Arc::clone(&file));
        Some(Location {
            file,
            line: code.line.unwrap_or_default(),
        })
    }
}

/// Names stubs of linkage tables, for which a file has no symbols; returns the other frames.
fn name_stubs(
    exports: &Exports,
    frames: &[(FrameId, FileOffset)],
    base_name: &str,
    named: &mut Named,
) -> Places {
    let mut others = Places::new();
    for &(id, offset) in frames {
        let naming = match exports.stub(offset) {
            Some(Stub { target: Some(name) }) => Naming::Named(vec![NamedFrame {
                name: FrameName::new(&format!("{name}@plt"), Kind::User),
                location: None,
            }]),
            Some(Stub { target: None }) => {
                Naming::Unnamed(FrameName::in_file(base_name, offset), Unnamed::NoSymbol)
            }
            None => {
                others.push((id, offset));
                continue;
            }
        };
        named.push((id, naming));
    }
    others
}

fn has_line((_, naming): &(FrameId, Naming)) -> bool {
    match naming {
        Naming::Named(names) => names.iter().any(|frame| frame.location.is_some()),
        Naming::Unnamed(..) => false,
    }
}

/// Looks addresses up, each for itself where one of them spoils the others, as one in a function
/// does whose name is no text; nothing where no address can be looked up.
fn symbolize<'a>(
    blazesym: &'a Blazesym,
    symbols: &Symbols,
    addresses: &[u64],
) -> Option<Vec<Option<Sym<'a>>>> {
    let look_up = |addresses| {
        let input = symbols.input(addresses);
        let found = blazesym.symbolize(&symbols.source, input).ok()?;
        let found = found.into_iter().map(Symbolized::into_sym);
        Some(found.collect::<Vec<_>>())
    };
    if let Some(found) = look_up(addresses) {
        return Some(found);
    }
    let each: Vec<_> = addresses.chunks(1).map(look_up).collect();
    let can_be_read = each.iter().any(Option::is_some);
    let first = |found: Option<Vec<_>>| found.and_then(|found| found.into_iter().next()?);
    can_be_read.then(|| each.into_iter().map(first).collect())
}

pub(super) fn blazesym(debug_directories: &[PathBuf]) -> Blazesym {
    Blazesym::builder()
        .enable_auto_reload(false)
        .enable_code_info(true)
        .enable_inlined_fns(true)
        .set_debug_dirs(Some(debug_directories))
        .build()
}
