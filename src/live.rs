//! A profile that changes while it is looked at, within bounds.
//!
//! [`batch::Batch`] is what whoever captures hands over; [`store::Store`] keeps it: the
//! latest samples one by one, and of all of them sums by thread, CPU and stack. A stack
//! is one of functions here, not of addresses, so that there are few of them; a function
//! that has no name yet is its place, until [`rebuild`] puts its name there.
//! [`shown::Shown`] is what of that is asked for, as a tree that is kept up to date
//! sample by sample.

pub mod activity;
pub mod batch;
pub mod decay;
pub mod entries;
pub mod export;
#[cfg(test)]
pub(crate) mod fake;
pub mod gather;
pub mod heat;
pub mod history;
pub mod interned;
pub mod load;
pub mod rebuild;
pub mod shown;
pub mod store;
#[cfg(test)]
mod tests;
pub mod tree;
