//! Text and JSON for people and scripts.

pub mod annotation;
pub mod diff;
pub mod doctor;
pub mod dump;
pub mod dump_json;
pub mod foot;
pub mod functions;
pub mod head;
pub mod json;
pub mod look;
pub mod stats;
pub mod summary;
pub mod tree;
