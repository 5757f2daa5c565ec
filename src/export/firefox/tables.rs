//! Interns what the samples of all threads of a Firefox profile refer to.

use std::collections::HashMap;

use super::columns::{
    FrameTable, FuncTable, NativeSymbols, ResourceTable, Shared, Sources, StackTable,
};
use super::libs::{Lib, Origin};
use crate::export::class::Class;
use crate::export::table::Table;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::header::Header;
use crate::profile::modules::ModuleTable;
use crate::profile::stacks::StackId;
use crate::view::selection::StackFrame;

/// A function: positions of its name and file, and where it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Function {
    pub(super) name: u32,
    /// Of a library; each has one resource, at the same position.
    pub(super) resource: Option<u32>,
    pub(super) source: Option<u32>,
}

/// A place in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    frame: FrameId,
    pub(super) inline_depth: usize,
    /// In the file, in bytes from its start.
    pub(super) address: Option<u64>,
    pub(super) class: Class,
    pub(super) function: u32,
    pub(super) line: Option<u32>,
}

/// Everything that samples refer to.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    modules: &'a ModuleTable,
    architecture: &'a str,
    strings: Table<String>,
    origins: Table<Origin>,
    functions: Table<Function>,
    /// Positions of the strings that name them.
    sources: Table<u32>,
    places: Table<Place>,
    /// Each with the one that it was called from.
    stacks: Table<(Option<u32>, u32)>,
    known: HashMap<StackId, Option<u32>>,
}

impl<'a> Tables<'a> {
    /// Makes empty ones.
    pub(super) fn new(modules: &'a ModuleTable, header: &'a Header) -> Self {
        Self {
            modules,
            architecture: &header.machine.architecture,
            strings: Table::default(),
            origins: Table::default(),
            functions: Table::default(),
            sources: Table::default(),
            places: Table::default(),
            stacks: Table::default(),
            known: HashMap::new(),
        }
    }

    /// The position of a stack, whose frames are given root first; none of an empty one.
    pub(super) fn stack<'b>(
        &mut self,
        id: StackId,
        frames: impl FnOnce() -> Vec<StackFrame<'b>>,
    ) -> Option<u32> {
        if let Some(&known) = self.known.get(&id) {
            return known;
        }
        let mut stack = None;
        for place in crate::export::places(&frames()) {
            for (depth, frame) in place.iter().enumerate() {
                let place = self.place(depth, frame);
                stack = Some(self.stacks.intern((stack, place)));
            }
        }
        self.known.insert(id, stack);
        stack
    }

    /// The libraries, in the order in which resources refer to them.
    pub(super) fn libs(&self) -> Vec<Lib> {
        let origins = self.origins.values().iter();
        origins
            .map(|&origin| Lib::new(self.modules, origin, self.architecture))
            .collect()
    }

    fn place(&mut self, inline_depth: usize, frame: &StackFrame<'_>) -> u32 {
        let (origin, address) = match frame.frame {
            Frame::File(module, offset) => (Some(Origin::Module(module)), Some(offset.0)),
            Frame::Kernel(_) | Frame::Waker(_) => (Some(Origin::Kernel), None),
            Frame::Anonymous(..) | Frame::Reason(_) | Frame::WakerThread(_) => (None, None),
        };
        let location = frame.named.location.as_ref();
        let source = location.map(|location| {
            let name = self.strings.intern(location.file.to_string());
            self.sources.intern(name)
        });
        let function = Function {
            name: self.strings.intern(frame.named.name.text().to_owned()),
            resource: origin.map(|origin| self.origins.intern(origin)),
            source,
        };
        let function = self.functions.intern(function);
        self.places.intern(Place {
            frame: frame.id,
            inline_depth,
            address,
            class: Class::of(frame, self.modules),
            function,
            line: location
                .map(|location| location.line)
                .filter(|&line| line > 0),
        })
    }

    /// All of them as they are written.
    pub(super) fn finish(mut self) -> Shared {
        let names = self.libs().into_iter().map(|lib| lib.name);
        let resources: Vec<_> = names.map(|name| self.strings.intern(name)).collect();
        Shared {
            stack_table: StackTable::new(self.stacks.values()),
            frame_table: FrameTable::new(self.places.values()),
            func_table: FuncTable::new(self.functions.values()),
            resource_table: ResourceTable::new(resources),
            native_symbols: NativeSymbols::default(),
            sources: Sources::new(self.sources.values()),
            string_array: self.strings.values().to_vec(),
        }
    }
}
