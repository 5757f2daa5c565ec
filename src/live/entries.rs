//! What a line or a box of the interface stands for: a function, or what samples are
//! put together by.

use std::sync::Arc;

use super::interned::{Interned, id};
use crate::event::Comm;
use crate::id::{Cpu, Pid, Tid};
use crate::profile::frames::Frame;
use crate::profile::modules::ModuleTable;
use crate::profile::names::{self, FrameName, NamedFrame, Naming};

id!(
    /// An entry's place in the table.
    EntryId
);

/// Distinct entries.
pub type Entries = Interned<EntryId, Entry>;

/// A function, or what stands at the root of stacks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Everything.
    All,
    /// A process.
    Process(Pid),
    /// A thread.
    Thread(Pid, Tid),
    /// Threads of this name that have ended.
    Ended(Comm),
    /// A CPU.
    Cpu(Cpu),
    /// What is too little to be told apart.
    Rest,
    /// A function.
    Function(Function),
}

/// A function, or the place of code that has no name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its name, safe to show.
    pub name: Arc<str>,
    /// What kind of code it is.
    pub kind: Kind,
    /// The last part of its file's path; empty where it has none.
    pub module: Arc<str>,
}

/// A kind of code, as the interface tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// In a program.
    Program,
    /// In a library.
    Library,
    /// Inlined into its caller.
    Inlined,
    /// Made at run time.
    Jit,
    /// In the kernel.
    Kernel,
    /// Who ended a wait: the kernel's code, or the thread.
    Waker,
    /// No code: why a stack stopped short.
    Reason,
}

impl Kind {
    /// Every kind, in the order of legends.
    pub const ALL: [Self; 7] = [
        Self::Program,
        Self::Library,
        Self::Inlined,
        Self::Jit,
        Self::Kernel,
        Self::Waker,
        Self::Reason,
    ];

    /// The letter that stands for it.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Program => 'u',
            Self::Library => 'l',
            Self::Inlined => 'i',
            Self::Jit => 'j',
            Self::Kernel => 'k',
            Self::Waker => 'w',
            Self::Reason => '!',
        }
    }

    /// What it is, in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Inlined => "inlined",
            Self::Jit => "JIT",
            Self::Kernel => "kernel",
            Self::Waker => "waker",
            Self::Reason => "reason",
        }
    }
}

impl Entry {
    /// Whether it is of the kernel, where somebody ended a wait too.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.function()
            .is_some_and(|function| matches!(function.kind, Kind::Kernel | Kind::Waker))
    }

    /// The function, where it is one.
    #[must_use]
    pub fn function(&self) -> Option<&Function> {
        match self {
            Self::Function(function) => Some(function),
            _ => None,
        }
    }
}

/// The functions of a frame, outermost first: at least one.
#[must_use]
pub fn functions(frame: Frame, naming: &Naming, modules: &ModuleTable) -> Vec<Function> {
    let module = module(frame, modules);
    let function = |name: &FrameName| Function {
        name: name.text().into(),
        kind: kind(name.kind(), &module),
        module: Arc::clone(&module),
    };
    match naming {
        Naming::Named(names) if !names.is_empty() => {
            let name = |named: &NamedFrame| function(&named.name);
            names.iter().map(name).collect()
        }
        Naming::Named(_) => vec![function(&place(frame, modules))],
        Naming::Unnamed(place, _) => vec![function(place)],
    }
}

/// Whether a frame is of code, not a reason why there is none, nor a thread.
#[must_use]
pub fn is_code(frame: Frame) -> bool {
    !matches!(frame, Frame::Reason(_) | Frame::WakerThread(_))
}

/// What stands for a frame's name until there is one.
#[must_use]
pub fn place(frame: Frame, modules: &ModuleTable) -> FrameName {
    match frame {
        Frame::Reason(outcome) => FrameName::reason(outcome),
        Frame::File(module, offset) => FrameName::in_file(&modules.base_name(module), offset),
        Frame::Anonymous(_, _, address) => FrameName::anonymous(address),
        Frame::Kernel(address) => FrameName::in_kernel(address),
        Frame::Waker(address) => {
            FrameName::new(FrameName::in_kernel(address).text(), names::Kind::Waker)
        }
        Frame::WakerThread(comm) => FrameName::new(&comm.to_text(), names::Kind::Waker),
    }
}

fn module(frame: Frame, modules: &ModuleTable) -> Arc<str> {
    match frame {
        Frame::File(module, _) => modules.base_name(module),
        _ => Arc::default(),
    }
}

fn kind(kind: names::Kind, module: &str) -> Kind {
    match kind {
        names::Kind::User if names::is_library(module) => Kind::Library,
        names::Kind::User => Kind::Program,
        names::Kind::Inlined => Kind::Inlined,
        names::Kind::Jit => Kind::Jit,
        names::Kind::Kernel => Kind::Kernel,
        names::Kind::Waker => Kind::Waker,
        names::Kind::Reason => Kind::Reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that libraries are known by the names of their files.
    #[test]
    fn libraries_are_told_from_programs() {
        for (module, expected) in [
            ("libc.so.6", true),
            ("_json.cpython-311.so", true),
            ("[vdso]", true),
            ("python3.11", false),
            ("sort", false),
            ("", false),
        ] {
            assert_eq!(names::is_library(module), expected, "{module}");
        }
    }
}
