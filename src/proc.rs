//! /proc: pure parsers, with thin readers beside them.

pub mod cpus;
pub mod hierarchy;
pub mod kallsyms;
pub mod machine;
pub mod maps;
pub mod own;
pub mod stat;
pub mod status;
pub mod tasks;
