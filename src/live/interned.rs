//! A table of distinct things, known by the order in which they came.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// A number of a thing in its table.
pub trait Id: Copy {
    /// The number as a position.
    fn index(self) -> usize;

    /// The number for a position.
    fn at(index: usize) -> Self;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $crate::live::interned::Id for $name {
            fn index(self) -> usize {
                self.0 as usize
            }

            fn at(index: usize) -> Self {
                Self(u32::try_from(index).expect("tables are bounded"))
            }
        }
    };
}
pub(crate) use id;

/// Distinct things.
#[derive(Debug)]
pub struct Interned<I, T> {
    all: Vec<T>,
    ids: FxHashMap<T, I>,
}

impl<I, T> Default for Interned<I, T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            ids: FxHashMap::default(),
        }
    }
}

impl<I: Id, T: Clone + Eq + Hash> Interned<I, T> {
    /// Returns the number of a thing, adding it when it is new.
    pub fn intern(&mut self, thing: T) -> I {
        if let Some(&id) = self.ids.get(&thing) {
            return id;
        }
        let id = I::at(self.all.len());
        self.all.push(thing.clone());
        self.ids.insert(thing, id);
        id
    }

    /// The number of a thing that is here.
    #[must_use]
    pub fn find(&self, thing: &T) -> Option<I> {
        self.ids.get(thing).copied()
    }

    /// The thing with this number.
    ///
    /// # Panics
    /// When the number is of another table.
    #[must_use]
    pub fn get(&self, id: I) -> &T {
        &self.all[id.index()]
    }

    /// Every thing with its number.
    pub fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.all
            .iter()
            .enumerate()
            .map(|(i, thing)| (I::at(i), thing))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
