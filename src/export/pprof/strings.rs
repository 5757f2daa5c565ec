//! The string table of a pprof profile.

use crate::export::table::Table;

/// Distinct strings; the first is empty.
#[derive(Debug)]
pub(super) struct Strings(Table<String>);

impl Strings {
    /// Makes the table of the empty string.
    pub(super) fn new() -> Self {
        let mut table = Table::default();
        table.intern(String::new());
        Self(table)
    }

    /// Returns a string's position, adding it when it is new.
    pub(super) fn id(&mut self, text: &str) -> i64 {
        self.0.intern(text.to_owned()).into()
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<String> {
        self.0.values().to_vec()
    }
}
