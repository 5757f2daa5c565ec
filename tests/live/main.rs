//! Live capture, for real: as root, on a kernel that can defer, with programs whose
//! stacks are known (`assets/fixtures`). Where that cannot be had, the tests fail
//! and say so.
//!
//! A test takes the [`machine::Machine`] first and has it alone: the tests load
//! every CPU. Workloads run until their test ends them.

// What tests are made of.
mod declared;
mod first_frame;
mod fixture;
mod folded;
mod machine;
mod nobody;
mod perf;
mod pprof;
mod process;
mod somno;
mod stats;

// What is tested.
mod accounting;
mod address_space;
mod captured;
mod cgroups;
mod chain;
mod debug_files;
mod debuginfod;
mod depth;
mod disturbed;
mod doctor;
mod dump;
mod ended;
mod events;
mod exec;
mod exit;
mod faults;
mod files;
mod flavours;
mod formats;
mod fuse;
mod hostile;
mod jit;
mod jumps;
mod kernel_names;
mod kernel_thread;
mod killed;
mod labels;
mod linkage;
mod loading;
mod names;
mod narrowing;
mod off_cpu;
mod outliving;
mod overload;
mod pending;
mod privileges;
mod python;
mod real_programs;
mod recordings;
mod report;
mod short_lived;
mod signals;
mod status;
mod streams;
mod svg;
mod symbols;
mod system_calls;
mod targets;
mod timing;
mod tui;
mod unwinding;
