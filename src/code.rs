//! What profiled code is made of: source lines, and instructions of modules' files.

pub mod instructions;
pub mod module_code;
pub mod source;
