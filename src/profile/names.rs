//! Names of frames, ready to be written.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::frames::{Frame, FrameId, FrameTable};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::Outcome;
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
    /// Who ended a wait: the kernel's code, or the thread.
    Waker,
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
            Self::Waker => "_[w]",
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
    /// Nobody looked for its name.
    NotAsked,
}

impl Unnamed {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::NoJitMap,
        Self::JitMapRefused,
        Self::NotInJitMap,
        Self::NotOpened,
        Self::Replaced,
        Self::Unreadable,
        Self::NoSymbol,
        Self::NoKernelSymbols,
        Self::NotAsked,
    ];

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
            Self::NotAsked => "not_asked",
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

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file, with its directory where that is known.
    pub file: Arc<str>,
    /// The line, from 1; 0 where it is not known.
    pub line: u32,
}

/// A function's name, and where in its source the frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFrame {
    /// The function.
    pub name: FrameName,
    /// The line, where debug information has it.
    pub location: Option<Location>,
}

impl From<FrameName> for NamedFrame {
    fn from(name: FrameName) -> Self {
        Self {
            name,
            location: None,
        }
    }
}

/// What became of naming a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// It has names; with inlined functions several, outermost first.
    Named(Vec<NamedFrame>),
    /// It has none, for this reason; its place stands for one.
    Unnamed(FrameName, Unnamed),
}

impl Naming {
    /// The same place in the kernel, where it is who ended a wait.
    #[must_use]
    pub fn of_waker(self) -> Self {
        let of_waker = |name: FrameName| FrameName {
            kind: Kind::Waker,
            ..name
        };
        match self {
            Self::Named(names) => {
                let names = names.into_iter().map(|named| NamedFrame {
                    name: of_waker(named.name),
                    ..named
                });
                Self::Named(names.collect())
            }
            Self::Unnamed(place, reason) => Self::Unnamed(of_waker(place), reason),
        }
    }
}

/// Makes a name safe for a folded line too, where `;` separates frames.
#[must_use]
pub fn clean(name: &str) -> String {
    text::clean(name).replace(';', ":")
}

/// Tells whether a file is a library by the last part of its path: `.so` as an extension, a
/// version behind it or not, as the linker looks for them; or the vDSO.
#[must_use]
pub fn is_library(base_name: &str) -> bool {
    base_name == "[vdso]" || base_name.split('.').skip(1).any(|part| part == "so")
}

/// The names of every frame of a table.
#[derive(Debug, Default)]
pub struct Names {
    names: Vec<Box<[NamedFrame]>>,
    reasons: BTreeMap<FrameId, Unnamed>,
}

impl Names {
    /// Names the frames of a table that are no code, and makes room for the others.
    #[must_use]
    pub fn new(frames: &FrameTable) -> Self {
        let mut names = Self::default();
        for (id, frame) in frames.iter() {
            let name = match frame {
                Frame::Reason(outcome) => FrameName::reason(outcome),
                Frame::WakerThread(comm) => FrameName::new(&comm.to_text(), Kind::Waker),
                _ => continue,
            };
            names.set(id, Naming::Named(vec![name.into()]));
        }
        names
    }

    /// Names a frame.
    pub fn set(&mut self, id: FrameId, naming: Naming) {
        if id.index() >= self.names.len() {
            self.names.resize(id.index() + 1, Box::default());
        }
        self.reasons.remove(&id);
        let names = match naming {
            Naming::Named(names) => names,
            Naming::Unnamed(place, reason) => {
                self.reasons.insert(id, reason);
                vec![place.into()]
            }
        };
        self.names[id.index()] = names.into();
    }

    /// The names of a frame, outermost first; none where nobody looked for them yet.
    #[must_use]
    pub fn of(&self, id: FrameId) -> &[NamedFrame] {
        self.names.get(id.index()).map_or(&[], |names| names)
    }

    /// What became of naming a frame; none where nobody looked for its names yet.
    #[must_use]
    pub fn naming(&self, id: FrameId) -> Option<Naming> {
        match (self.of(id), self.reason(id)) {
            ([], _) => None,
            ([place, ..], Some(reason)) => Some(Naming::Unnamed(place.name.clone(), reason)),
            (names, None) => Some(Naming::Named(names.to_vec())),
        }
    }

    /// Why a frame has no name but its place.
    #[must_use]
    pub fn reason(&self, id: FrameId) -> Option<Unnamed> {
        self.reasons.get(&id).copied()
    }

    /// How many frames have no name, by reason.
    #[must_use]
    pub fn unnamed(&self) -> BTreeMap<Unnamed, u64> {
        let mut counts = BTreeMap::new();
        for reason in self.reasons.values() {
            *counts.entry(*reason).or_default() += 1;
        }
        counts
    }

    /// How many frames have one. Reasons why a stack stopped short are no frames.
    #[must_use]
    pub fn named(&self) -> u64 {
        let names = self.names.iter().filter_map(|names| names.first());
        let code = names.filter(|frame| frame.name.kind != Kind::Reason);
        (code.count() - self.reasons.len()) as u64
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
