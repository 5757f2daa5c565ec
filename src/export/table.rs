//! Tables of distinct values, which formats refer to by position.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Distinct values, in the order in which they were first seen.
#[derive(Debug)]
pub(super) struct Table<T> {
    values: Vec<T>,
    positions: FxHashMap<T, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            positions: FxHashMap::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    /// Returns a value's position, adding it when it is new.
    pub(super) fn intern(&mut self, value: T) -> u32 {
        if let Some(&position) = self.positions.get(&value) {
            return position;
        }
        let position = u32::try_from(self.values.len()).expect("fewer than 2^32 of the profile's");
        self.values.push(value.clone());
        self.positions.insert(value, position);
        position
    }

    /// The values.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that equal values are one, in order.
    #[test]
    fn values_are_interned() {
        let mut table = Table::default();
        let positions = ["b", "a", "b"].map(|value| table.intern(value));
        assert_eq!(positions, [0, 1, 0]);
        assert_eq!(table.values(), ["b", "a"]);
    }
}
