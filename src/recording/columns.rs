//! Numbers as differences to those before.

/// Takes numbers, gives differences.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Differ(u64);

impl Differ {
    /// Begins at a number.
    pub(super) fn from(first: u64) -> Self {
        Self(first)
    }

    /// The difference to the number before.
    pub(super) fn next(&mut self, number: u64) -> i64 {
        let difference = number.wrapping_sub(self.0).cast_signed();
        self.0 = number;
        difference
    }
}

/// Takes differences, gives numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summer(u64);

impl Summer {
    /// Begins at a number.
    pub(super) fn from(first: u64) -> Self {
        Self(first)
    }

    /// The number that is so far from the one before.
    pub(super) fn next(&mut self, difference: i64) -> u64 {
        self.0 = self.0.wrapping_add_signed(difference);
        self.0
    }
}

/// The value of a column at a row; one that is empty is all zeros.
pub(super) fn at<T: Copy + Default>(column: &[T], row: usize) -> Option<T> {
    if column.is_empty() {
        return Some(T::default());
    }
    column.get(row).copied()
}

/// Empties a column that is all zeros.
pub(super) fn squeeze<T: Default + PartialEq>(column: &mut Vec<T>) {
    if column.iter().all(|value| *value == T::default()) {
        column.clear();
    }
}
