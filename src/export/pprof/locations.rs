//! Locations and functions of a pprof profile.

use std::collections::BTreeMap;

use super::mappings::Mappings;
use super::proto::{Function, Line, Location};
use super::strings::Strings;
use crate::export::table::Table;
use crate::profile::frames::FrameId;
use crate::view::selection::StackFrame;

/// Distinct places and functions.
#[derive(Debug, Default)]
pub(super) struct Locations {
    ids: BTreeMap<FrameId, u64>,
    all: Vec<Location>,
    /// Name and file.
    functions: Table<(i64, i64)>,
}

impl Locations {
    /// Returns the id of a place, whose functions are given outermost first.
    pub(super) fn id(
        &mut self,
        place: &[StackFrame<'_>],
        mappings: &Mappings<'_>,
        strings: &mut Strings,
    ) -> Option<u64> {
        let first = place.first()?;
        if let Some(id) = self.ids.get(&first.id) {
            return Some(*id);
        }
        let id = self.all.len() as u64 + 1;
        let (mapping_id, address) = mappings.locate(first.frame);
        let innermost_first = place.iter().rev();
        let line = innermost_first
            .map(|frame| self.line(frame, strings))
            .collect();
        self.all.push(Location {
            id,
            mapping_id,
            address,
            line,
        });
        self.ids.insert(first.id, id);
        Some(id)
    }

    /// Both tables as they are written.
    pub(super) fn into_tables(self) -> (Vec<Location>, Vec<Function>) {
        let functions = (1..).zip(self.functions.values());
        let functions = functions.map(|(id, &(name, filename))| Function {
            id,
            name,
            system_name: name,
            filename,
        });
        (self.all, functions.collect())
    }

    fn line(&mut self, frame: &StackFrame<'_>, strings: &mut Strings) -> Line {
        let name = strings.id(frame.named.name.text());
        let location = frame.named.location.as_ref();
        let file = location.map_or(0, |location| strings.id(&location.file));
        let function = self.functions.intern((name, file));
        Line {
            function_id: u64::from(function) + 1,
            line: location.map_or(0, |location| i64::from(location.line)),
        }
    }
}
