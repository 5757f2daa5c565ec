//! Projections of a profile: pure, for whoever shows them.

pub mod selection;
pub mod top;
