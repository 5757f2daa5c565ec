//! Which functions frames are of: a name, its kind, and the module that it is in.

use std::collections::HashMap;

use super::selection::Selection;
use crate::id::ModuleId;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::modules::{ModuleInfo, ModuleTable};
use crate::profile::names::{FrameName, NamedFrame};
use crate::profile::stacks::StackId;

/// Where code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In a file. Of files under one path it is the first that was seen.
    Module(ModuleId),
    /// In memory that is no file's: it was made at run time.
    Anonymous,
    /// In the kernel.
    Kernel,
    /// Nowhere: it is the reason why a stack stopped short.
    Nowhere,
}

impl Place {
    /// Its path, or what stands for one; safe to show.
    #[must_use]
    pub fn path(self, modules: &ModuleTable) -> String {
        match self {
            Self::Module(id) => match modules.get(id) {
                Some(info) => info.path(),
                None => modules.base_name(id).to_string(),
            },
            other => other.short_name(modules),
        }
    }

    /// The last part of its path, or what stands for one; safe to show.
    #[must_use]
    pub fn short_name(self, modules: &ModuleTable) -> String {
        match self {
            Self::Module(id) => modules.base_name(id).to_string(),
            Self::Anonymous => "[anon]".into(),
            Self::Kernel => "[kernel]".into(),
            Self::Nowhere => String::new(),
        }
    }
}

/// A function's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(u32);

impl FunctionId {
    /// The function's position, for tables beside this one.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function<'a> {
    /// Its name and kind.
    pub name: &'a FrameName,
    /// Where it is.
    pub place: Place,
}

/// The distinct functions of a selection, by frame.
#[derive(Debug)]
pub struct FunctionTable<'a> {
    functions: Vec<Function<'a>>,
    of_frames: Vec<Box<[FunctionId]>>,
}

impl<'a> FunctionTable<'a> {
    /// Looks at every frame once.
    ///
    /// # Panics
    /// When there are 2^32 functions.
    #[must_use]
    pub fn new(selection: &Selection<'a>) -> Self {
        let modules = first_of_path(selection.profile.modules());
        let mut functions = Vec::new();
        let mut ids = HashMap::new();
        let mut intern = |function: Function<'a>| {
            *ids.entry(function).or_insert_with(|| {
                let id = u32::try_from(functions.len()).expect("fewer than 2^32 functions");
                functions.push(function);
                FunctionId(id)
            })
        };
        let mut of_frames = Vec::new();
        for (id, frame) in selection.profile.frames().iter() {
            let place = match frame {
                Frame::File(module, _) => {
                    Place::Module(modules.get(&module).copied().unwrap_or(module))
                }
                Frame::Anonymous(..) => Place::Anonymous,
                Frame::Kernel(_) | Frame::Waker(_) => Place::Kernel,
                Frame::Reason(_) | Frame::WakerThread(_) => Place::Nowhere,
            };
            let function = |named: &'a NamedFrame| Function {
                name: &named.name,
                place,
            };
            let named = selection.named(id).iter();
            of_frames.push(named.map(|named| intern(function(named))).collect());
        }
        Self {
            functions,
            of_frames,
        }
    }

    /// The functions of a frame, outermost first; several where some were inlined.
    #[must_use]
    pub fn of_frame(&self, id: FrameId) -> &[FunctionId] {
        self.of_frames
            .get(id.index())
            .map_or(&[], |functions| functions)
    }

    /// The functions of a stack, root first.
    #[must_use]
    pub fn of_stack(&self, selection: &Selection<'_>, stack: StackId) -> Vec<FunctionId> {
        let frames = selection.profile.stack(stack);
        let functions = frames.into_iter().flat_map(|id| self.of_frame(id));
        functions.copied().collect()
    }

    /// A function.
    ///
    /// # Panics
    /// When the id is of another table.
    #[must_use]
    pub fn get(&self, id: FunctionId) -> Function<'a> {
        self.functions[id.index()]
    }

    /// Every function with its id.
    pub fn iter(&self) -> impl Iterator<Item = (FunctionId, Function<'a>)> + '_ {
        (0..).map(FunctionId).zip(self.functions.iter().copied())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.functions.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }
}

/// For every module the first one under its path: a library that containers have copies of,
/// or that was replaced meanwhile, is one to whoever reads a report.
fn first_of_path(modules: &ModuleTable) -> HashMap<ModuleId, ModuleId> {
    let mut first = HashMap::new();
    let first_of = |info: &ModuleInfo| {
        let id = info.module.id;
        (id, *first.entry(info.module.path.clone()).or_insert(id))
    };
    modules.iter().map(first_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder, everything};

    /// Check that a function is told from others by name, kind and module.
    #[test]
    fn functions_are_told_apart() {
        let recording = Builder::new()
            .stack(&["main", "f", "f@/lib/a.so", "f_[i]", "f_[k]"], 1)
            .stack(&["main", "f+0x9", "f+0xa"], 1)
            .build();
        let selection = everything(&recording);
        let functions = FunctionTable::new(&selection);
        let modules = recording.profile.modules();
        let mut names: Vec<_> = functions
            .iter()
            .map(|(_, function)| format!("{} {}", function.name, function.place.path(modules)))
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "f /bin/program",
                "f /lib/a.so",
                "f_[i] /lib/a.so",
                "f_[k] [kernel]",
                "main /bin/program"
            ]
        );
    }
}
