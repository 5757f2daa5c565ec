//! somno, a sampling profiler for Linux.
//!
//! A profiler samples in an interrupt. There it may not fault, sleep, or touch a
//! file, so a user stack without frame pointers is out of its reach. somno takes
//! the sample where the CPU is and reads the stack where the task can sleep: its
//! BPF program schedules a callback (`bpf_task_work`, Linux 6.18) that runs in the
//! sampled task just before it returns to user space.
//!
//! ```text
//!        perf event (NMI / timer)                   return to user space
//!                 |                                          |
//!  bpf/sample.h: kernel stack now,           bpf/deferred.h: user stack, modules;
//!  claim a slot, schedule the callback       may fault and sleep
//!                 |  kernel half                             |  user half, module
//!                 v  a ring for each CPU                     v  one ring
//!             ------------------ capture::Session ------------------
//!                                      |  event::Event
//!                        stitch::Stitcher: joins halves by cookie
//!                                      |  stitch::Sample
//!                        profile::Profile: interned stacks, weights
//!                                      |
//!                        symbolize: names, inlined functions, reasons
//!                                      |
//!             export (folded, svg)   view (hottest)   report (text, json)
//! ```
//!
//! **Two halves, one cookie.** A task that is deep in a system call may be sampled
//! a thousand times before it returns to user space, and its user stack is the
//! same each time. Each interrupt sends its own kernel half; the first claims a
//! slot and schedules the callback, and one user half serves them all.
//!
//! **Every sample is accounted for.** A stack that stopped short has an
//! [`event::Outcome`] that says why and keeps its weight; what was lost is counted.
//!
//! **Unwinding** is by call frame information, read where it is mapped: mapping,
//! kept rule, or else `.eh_frame_hdr`, FDE, CIE and their instructions up to the
//! address (`bpf/unwind.h`, `cfi_step.h`, `eh_frame.h`, `cfi.h`, `dwarf_expr.h`,
//! `rule.h`); by frame pointer where there is none. What reads memory may sleep and
//! is in static functions; what parses is pure, in global functions, which the
//! verifier looks at once: 35,000 instructions in all, where it was a million.
//!
//! **Frames are places in files** from the moment they leave the kernel, so
//! nothing depends on the process still being there when names are looked up.
//!
//! Where a line belongs: types that cross the kernel border in [`bpf`]; system
//! calls, clocks and descriptors in [`capture`], [`proc`] and [`symbolize`]; the
//! spelling of options in [`cli`], their defaults in [`config`]; only [`command`]
//! knows two stages. The rest is pure and tested without privileges.

pub mod addr;
pub mod bpf;
pub mod capture;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod event;
pub mod export;
pub mod id;
pub mod proc;
pub mod profile;
pub mod report;
pub mod stitch;
pub mod symbolize;
pub mod text;
pub mod time;
pub mod view;
