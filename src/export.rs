//! Profiles in the formats that other tools read.

pub mod folded;
pub mod svg;
