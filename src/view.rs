//! Projections of a profile: pure, for whoever shows them.

pub mod annotation;
pub mod diff;
pub mod dump;
#[cfg(test)]
pub(crate) mod fixture;
pub mod functions;
pub mod listing;
pub mod merged;
pub mod outline;
pub mod selection;
pub mod threads;
pub mod top;
pub mod tree;
