//! The tables that the page's samples refer to.

use rustc_hash::FxHashMap;

use crate::export::class::Class;
use crate::export::table::Table;
use crate::profile::Profile;
use crate::profile::frames::Frame;
use crate::profile::names::NamedFrame;
use crate::profile::stacks::StackId;
use crate::view::selection::{Selection, StackFrame};

/// Characters of a name or path that are kept. Those of C++ can be longer than a page.
const LONGEST: usize = 2000;

/// A function: what the page merges frames by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Function {
    /// Its name, a string.
    pub(super) name: u32,
    /// The path of its module, a string.
    pub(super) module: u32,
    /// What it is.
    pub(super) class: Class,
    /// Why it has no name, a string; the empty one where it has.
    pub(super) note: u32,
}

/// A line of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line {
    /// The function.
    pub(super) function: u32,
    /// The path of the source, a string.
    pub(super) file: u32,
    /// Its number from 1; 0 where it is not known.
    pub(super) number: u32,
}

/// A frame called from a stack; stack 0 is the empty one, and these are from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    /// The stack that it was called from.
    pub(super) parent: u32,
    /// The line.
    pub(super) line: u32,
}

/// Every table. Frames at different places of one line are one here.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    selection: &'a Selection<'a>,
    /// The first is empty.
    pub(super) strings: Table<String>,
    pub(super) functions: Table<Function>,
    pub(super) lines: Table<Line>,
    pub(super) nodes: Table<Node>,
    stacks: FxHashMap<StackId, u32>,
    /// Names are in one place each, so that their address is who they are.
    frames: FxHashMap<*const NamedFrame, u32>,
}

impl<'a> Tables<'a> {
    pub(super) fn new(selection: &'a Selection<'a>) -> Self {
        let mut strings = Table::default();
        strings.intern(String::new());
        Self {
            selection,
            strings,
            functions: Table::default(),
            lines: Table::default(),
            nodes: Table::default(),
            stacks: FxHashMap::default(),
            frames: FxHashMap::default(),
        }
    }

    /// The page's stack for one of the profile.
    pub(super) fn stack(&mut self, stack: StackId) -> u32 {
        if let Some(&id) = self.stacks.get(&stack) {
            return id;
        }
        let mut id = 0;
        for frame in self.selection.frames(stack) {
            let line = self.line(&frame);
            id = self.nodes.intern(Node { parent: id, line }) + 1;
        }
        self.stacks.insert(stack, id);
        id
    }

    /// The strings, none longer than what is kept of them.
    pub(super) fn shortened(&self) -> Vec<String> {
        let strings = self.strings.values().iter();
        strings.map(|text| shorten(text)).collect()
    }

    fn line(&mut self, frame: &StackFrame<'a>) -> u32 {
        let address = std::ptr::from_ref(frame.named);
        if let Some(&id) = self.frames.get(&address) {
            return id;
        }
        let function = self.function(frame);
        let (file, number) = match &frame.named.location {
            Some(location) => (
                self.strings.intern(location.file.to_string()),
                location.line,
            ),
            None => (0, 0),
        };
        let id = self.lines.intern(Line {
            function,
            file,
            number,
        });
        self.frames.insert(address, id);
        id
    }

    fn function(&mut self, frame: &StackFrame<'_>) -> u32 {
        let module = module(self.selection.profile, frame.frame);
        let reason = self.selection.names.reason(frame.id);
        let note = reason.map(|reason| reason.key().replace('_', " "));
        let function = Function {
            class: Class::of(frame, self.selection.profile.modules()),
            name: self.strings.intern(frame.named.name.text().into()),
            module: self.strings.intern(module),
            note: self.strings.intern(note.unwrap_or_default()),
        };
        self.functions.intern(function)
    }
}

/// What a frame's code is in: a path, or a word in brackets.
fn module(profile: &Profile, frame: Frame) -> String {
    match frame {
        Frame::File(id, _) => match profile.modules().get(id) {
            Some(info) => info.path(),
            None => profile.modules().base_name(id).to_string(),
        },
        Frame::Anonymous(..) => "[anon]".into(),
        Frame::Kernel(_) | Frame::Waker(_) => "[kernel]".into(),
        Frame::Reason(_) | Frame::WakerThread(_) => String::new(),
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a long name is cut between characters, and others stay.
    #[test]
    fn long_names_are_cut() {
        assert_eq!(shorten("日本"), "日本");
        assert_eq!(shorten(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        let cut = shorten(&"é".repeat(LONGEST + 1));
        assert_eq!(cut, "é".repeat(LONGEST) + "…");
    }
}
