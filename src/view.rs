//! Projections of a profile: pure, for whoever shows them.

pub mod top;
