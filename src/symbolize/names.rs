//! Names of frames, ready to be written.

use std::collections::BTreeMap;
use std::fmt;

use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::Outcome;
use crate::profile::frames::FrameId;
use crate::text;

/// What kind of code a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A function in a file.
    User,
    /// A function that was inlined there.
    Inlined,
    /// Code made at run time.
    Jit,
    /// The kernel.
    Kernel,
    /// No code: why a stack stopped short.
    Reason,
}

impl Kind {
    /// The mark behind a name, as flame graph tools know it.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::User | Self::Reason => "",
            Self::Inlined => "_[i]",
            Self::Jit => "_[j]",
            Self::Kernel => "_[k]",
        }
    }
}

/// Why a frame has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unnamed {
    /// Its memory is no file's, and the process wrote no names for it.
    NoJitMap,
    /// Likewise, and what is there in their place is not to be believed: another user's,
    /// older than the process, or no regular file.
    JitMapRefused,
    /// Its memory is no file's, and the names that the process wrote have none there.
    NotInJitMap,
    /// Its file could not be opened in time, or has no name any more.
    NotOpened,
    /// The file under that path is another one now.
    Replaced,
    /// Its file could not be understood.
    Unreadable,
    /// Its file has no symbol there.
    NoSymbol,
    /// The kernel's symbols cannot be read, or have none there.
    NoKernelSymbols,
}

impl Unnamed {
    /// Its name where it is counted.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::NoJitMap => "no_jit_map",
            Self::JitMapRefused => "jit_map_refused",
            Self::NotInJitMap => "not_in_jit_map",
            Self::NotOpened => "not_opened",
            Self::Replaced => "replaced",
            Self::Unreadable => "unreadable",
            Self::NoSymbol => "no_symbol",
            Self::NoKernelSymbols => "no_kernel_symbols",
        }
    }
}

/// A name that is safe to write anywhere: no control bytes, no semicolon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FrameName {
    text: String,
    kind: Kind,
}

impl FrameName {
    /// Takes a name from outside.
    #[must_use]
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            text: clean(name),
            kind,
        }
    }

    /// The reason frame of a stack that stopped short.
    #[must_use]
    pub fn reason(outcome: Outcome) -> Self {
        Self::new(outcome.reason().unwrap_or_default(), Kind::Reason)
    }

    /// The place of a frame in a file that gives it no name.
    #[must_use]
    pub fn in_file(base_name: &str, offset: FileOffset) -> Self {
        Self::new(&format!("[{base_name}+{:#x}]", offset.0), Kind::User)
    }

    /// The place of a frame in anonymous memory.
    #[must_use]
    pub fn anonymous(address: UserAddress) -> Self {
        Self::new(&format!("[anon+{:#x}]", address.0), Kind::Jit)
    }

    /// The place of a frame in the kernel.
    #[must_use]
    pub fn in_kernel(address: KernelAddress) -> Self {
        Self::new(&format!("[kernel+{:#x}]", address.0), Kind::Kernel)
    }

    /// The name alone.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for FrameName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, self.kind.suffix())
    }
}

/// Makes a name safe for a folded line too, where `;` separates frames.
#[must_use]
pub fn clean(name: &str) -> String {
    text::clean(name).replace(';', ":")
}

/// The names of every frame of a table.
#[derive(Debug)]
pub struct Names {
    names: Vec<Box<[FrameName]>>,
    unnamed: BTreeMap<Unnamed, u64>,
}

impl Names {
    /// Makes room for the names of so many frames.
    #[must_use]
    pub fn for_frames(count: usize) -> Self {
        Self {
            names: vec![Box::default(); count],
            unnamed: BTreeMap::new(),
        }
    }

    /// Names a frame; with inlined functions, outermost first.
    pub fn set(&mut self, id: FrameId, names: Vec<FrameName>) {
        self.names[id.index()] = names.into();
    }

    /// Gives a frame its place for a name, and counts why.
    pub fn set_unnamed(&mut self, id: FrameId, place: FrameName, reason: Unnamed) {
        self.set(id, vec![place]);
        *self.unnamed.entry(reason).or_default() += 1;
    }

    /// The names of a frame, outermost first.
    #[must_use]
    pub fn of(&self, id: FrameId) -> &[FrameName] {
        &self.names[id.index()]
    }

    /// How many frames have no name, by reason.
    #[must_use]
    pub fn unnamed(&self) -> &BTreeMap<Unnamed, u64> {
        &self.unnamed
    }

    /// How many frames have one. Reasons why a stack stopped short are no frames.
    #[must_use]
    pub fn named(&self) -> u64 {
        let places = self
            .names
            .iter()
            .filter(|names| names.first().is_some_and(|name| name.kind != Kind::Reason))
            .count();
        places as u64 - self.unnamed.values().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that nothing that a terminal obeys, nor a separator, is left in a name.
    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean("a;b\x1b[31m\nc\u{9b}d"), "a:b?[31m?c?d");
        assert_eq!(clean("naïve::<T>"), "naïve::<T>");
    }

    /// Check the spellings that stand for a name.
    #[test]
    fn places_are_spelled() {
        assert_eq!(
            FrameName::in_file("libc.so.6", FileOffset(0x2a)).to_string(),
            "[libc.so.6+0x2a]"
        );
        assert_eq!(
            FrameName::anonymous(UserAddress(16)).to_string(),
            "[anon+0x10]_[j]"
        );
        assert_eq!(
            FrameName::in_kernel(KernelAddress(u64::MAX)).to_string(),
            "[kernel+0xffffffffffffffff]_[k]"
        );
    }
}
