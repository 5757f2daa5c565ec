//! Text and JSON for people and scripts.

pub mod doctor;
pub mod stats;
pub mod summary;
