//! Addresses that want a name, for sources of names that are read once from front to back.

use std::ops::Range;
use std::rc::Rc;

use crate::addr::UserAddress;

/// Names that may be given before a source is taken for one that only wastes time: each
/// of its lines would name every address again.
const NAMES_GIVEN: usize = 1 << 26;

/// Distinct addresses of one process, with the names that were found.
#[derive(Debug)]
pub struct Wanted {
    addresses: Vec<UserAddress>,
    names: Vec<Option<Rc<str>>>,
    given: usize,
}

impl Wanted {
    /// Takes the addresses, in any order.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = UserAddress>) -> Self {
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        Self {
            names: vec![None; addresses.len()],
            addresses,
            given: 0,
        }
    }

    /// Tells whether any address lies in so many bytes of code.
    #[must_use]
    pub fn has_any(&self, start: UserAddress, size: u64) -> bool {
        !self.range(start, size).is_empty()
    }

    /// Names the addresses in so many bytes of code, whatever they were named before.
    pub fn give(&mut self, start: UserAddress, size: u64, name: &Rc<str>) {
        let range = self.range(start, size);
        if self.given >= NAMES_GIVEN {
            return;
        }
        self.given += range.len();
        self.names[range].fill(Some(Rc::clone(name)));
    }

    /// The name of an address, where one was found.
    #[must_use]
    pub fn name(&self, address: UserAddress) -> Option<&str> {
        let index = self.addresses.binary_search(&address).ok()?;
        self.names[index].as_deref()
    }

    fn range(&self, start: UserAddress, size: u64) -> Range<usize> {
        let end = start.0.saturating_add(size);
        let from = self.addresses.partition_point(|&address| address < start);
        let behind = self.addresses[from..].partition_point(|address| address.0 < end);
        from..from + behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that what is named last stays, and only within its bytes.
    #[test]
    fn last_name_stays() {
        let mut wanted = Wanted::new([30, 10, 20, 10].map(UserAddress));
        wanted.give(UserAddress(5), 20, &"early".into());
        wanted.give(UserAddress(20), 10, &"late".into());
        wanted.give(UserAddress(30), 0, &"empty".into());
        wanted.give(UserAddress(40), u64::MAX, &"beyond".into());
        assert_eq!(wanted.name(UserAddress(10)), Some("early"));
        assert_eq!(wanted.name(UserAddress(20)), Some("late"));
        assert_eq!(wanted.name(UserAddress(30)), None);
        assert_eq!(wanted.name(UserAddress(11)), None);
    }
}
