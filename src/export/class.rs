//! What code a frame is of, where formats tell it by colour or category.

use crate::id::ModuleId;
use crate::profile::frames::Frame;
use crate::profile::modules::ModuleTable;
use crate::profile::names::{self, Kind};
use crate::view::selection::StackFrame;

/// A class of code. The page has them by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    /// A program's own.
    Program,
    /// A shared library's.
    Library,
    /// A function that was inlined, wherever.
    Inlined,
    /// Made at run time.
    Jit,
    /// The kernel's.
    Kernel,
    /// None: why a stack stopped short.
    Reason,
}

impl Class {
    /// Tells the class of a frame.
    pub(super) fn of(frame: &StackFrame<'_>, modules: &ModuleTable) -> Self {
        match frame.named.name.kind() {
            Kind::Inlined => Self::Inlined,
            Kind::Jit => Self::Jit,
            Kind::Kernel | Kind::Waker => Self::Kernel,
            Kind::Reason => Self::Reason,
            Kind::User => match frame.frame {
                Frame::File(module, _) if is_library(modules, module) => Self::Library,
                _ => Self::Program,
            },
        }
    }
}

/// Whether a module is a library, by its name. The vDSO is one.
pub(super) fn is_library(modules: &ModuleTable, module: ModuleId) -> bool {
    module == ModuleId::VDSO || names::is_library(&modules.base_name(module))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture::Fixture;

    /// Check that frames are told apart by kind, and user code by file.
    #[test]
    fn classes_are_told() {
        let mut fixture = Fixture::new();
        fixture.add("[lost];main;f_[i];lib:read;g_[j];sys_[k]");
        let classes: Vec<_> = fixture.subject(|subject| {
            let stacks = subject.selection.stacks();
            let modules = subject.selection.profile.modules();
            let frames = stacks[0].frames.iter();
            frames.map(|frame| Class::of(frame, modules)).collect()
        });
        assert_eq!(
            classes,
            [
                Class::Reason,
                Class::Program,
                Class::Inlined,
                Class::Library,
                Class::Jit,
                Class::Kernel
            ]
        );
    }
}
