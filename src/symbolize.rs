//! From frames to names. What a file's symbols are is blazesym's; of code that was made
//! at run time the process itself wrote the names.
//!
//! [`work::plan`] divides frames into pieces of work that need nothing else, and
//! [`worker::Worker`] does them on a thread of its own, so that whoever captures or draws
//! never waits for a symbol table. It, and who opens files, may be left behind where a file
//! system does not answer: [`patient`].

mod bounds;
pub mod captured;
pub mod debug_files;
pub mod debuginfod;
mod exports;
pub mod files;
pub mod jit;
pub mod jit_maps;
pub mod jitdump;
pub mod kernel;
pub mod opening;
pub mod patient;
pub mod perf_map;
pub mod precedence;
pub mod regular;
pub mod shrunk;
pub mod symbolizer;
pub mod wanted;
pub mod work;
pub mod worker;
