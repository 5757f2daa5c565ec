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
//!        recording: written as it comes, joined when it is read
//!                                      |             \
//!        profile::Profile: interned stacks, weights    live::store: bounded sums
//!                                      |             /
//!              symbolize: names, inlined functions, reasons
//!                                      |             \
//!         view::selection: what of it is asked for     live::shown: the same, kept up to date
//!                                      |              \
//!  export (svg, pprof, ...)   view   report (text, json)   tui: model, message, update, view
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
//! **Unwinding** (`bpf/unwind.h`: the frame loop) is by call frame information, read where it
//! is mapped. `mapping.h` finds the file and the place in it; `rule_cache.h` may know the rule
//! there; or else `elf.h` and `tables.h` find `.eh_frame_hdr`, or `eh_scan.h` what it leads to,
//! `eh_frame.h` the FDE and its CIE, `cfi.h` runs their instructions up to the address, and
//! `rule.h` packs the row that came out, with what `shape.h` sees in expressions. `row.h` and
//! `dwarf_expr.h` do what does not fit. Where there is no CFI, `no_cfi.h` looks at the code and
//! `frame_pointer.h` at rbp. What is particular to a processor is in `x86_64.h`. A mapping that
//! is remembered is proven to hold (`mm_lock_seq`); a rule is that of a place in a file,
//! whoever has it mapped wherever, and so it is kept only where the pages that it was read from
//! are the file's and no process's own.
//!
//! **Reads** never fault where memory is parsed: one that fails says what stood in its way,
//! `rescue.h` removes that by sleeping, and the step is taken again. The promise: nothing
//! sleeps on memory that a driver or a userfaultfd serves; at most 128 times for one stack; and
//! all that a target's tables can make long shares one budget of 131,072 instructions, some
//! 4 ms, beside what finding the tables of each new place takes. Before an exit or exec nothing
//! may sleep; a rule that was missing there is found by the next sample that has the file mapped
//! (`wanted.h`). What parses is in global functions, which the verifier looks at once: 41,000
//! instructions for the largest program, where it was a million.
//!
//! **Time off the CPU** (`bpf/offcpu.h`) is in intervals. `sched_switch` notes when and in which
//! state a followed task leaves its CPU, under the lock of the run queue, and so does no more: a
//! task that is not followed costs one look-up. When the task is back, at the end of `__schedule`
//! and in its own context (`sched_exit_tp`), an interval of at least the shortest length is sent,
//! with the kernel stack, which is still that of the switch, and a callback is scheduled for the
//! user stack, if none is pending. Shorter ones are summed. An iterator of tasks begins the
//! intervals of those that wait already when sampling begins, and ends those that are open when
//! it stops. `sched_waking` notes who ended one, where that is wanted. The rings of these
//! samples are their own, one a CPU: an interrupt must not meet a lock of theirs.
//!
//! **What is pending at the end** (`bpf/pending.h`) is read from outside: an iterator of tasks
//! unwinds those that still wait with the same code, compiled once more with other readers
//! (`outside.bpf.c`; a kernel refuses functions that could sleep to programs that may not, even
//! where they never do), loaded only then, and sharing all maps. A task that ran meanwhile sends
//! its stack itself. Only on kernels where its mappings may be looked at (`capture::kernel`), and
//! for two seconds at most.
//!
//! **A dump** (`bpf/dump.h`) is a sample of every followed task at once, by an iterator of tasks:
//! a callback is scheduled for the user stack, and then the kernel stack is taken, so that
//! both are of the same moment where the task did not run in between. Those that go on waiting
//! are read as what is pending at the end, at once; those that run send their stacks
//! themselves, and have none in the kernel.
//!
//! **Frames are places in files** from the moment they leave the kernel, so
//! nothing depends on the process still being there when names are looked up. Of code
//! made at run time the process writes the names itself: [`symbolize::jit_maps`] finds
//! them while it is there.
//!
//! **Symbols are captured in the process** where its file may not be opened later: it has
//! no name any more, is in another mount namespace, or user space has not opened it by the
//! time the process leaves. When the user half is sent, `bpf/symbols.h` goes on with one
//! such file that the task has mapped: 64 KiB a sample (30 us), 512 KiB before an exit or
//! exec, in pieces through the ring, never when half of that is taken. `capture.h` is the
//! state of it: a question and its answer at a time, so that any task with the file can go
//! on. `sections.h` finds `.symtab` in the file itself, where the kernel lets a task read
//! that (7.0.10); otherwise `dynamic.h` finds `.dynsym` in mapped memory. User space sets a
//! flag for each file that it has open, which ends a capture.
//! [`symbolize::captured`] puts the pieces together; a file that was opened comes first.
//!
//! **A recording** (somno-recording(5)) is what every output of `somno record` is made from, so
//! that they agree. With `--rotate` it is in segments ([`command::record`]).
//!
//! **What is shown live** ([`live`]) are sums that are kept up to date sample by sample, bounded,
//! with decay; one thread captures and one draws, and neither waits for the other.
//!
//! Where a line belongs: types that cross the kernel border in [`bpf`]; system calls, clocks and
//! descriptors in [`capture`], [`proc`], [`symbolize`], the files of [`recording`] and
//! `tui::terminal`; which capabilities are in effect in [`privileges`]; what code looks like in
//! [`code`]; the spelling of options in [`cli`], their defaults in [`config`]. Only [`command`]
//! knows two stages, and what is around them: the command that is run and its end, the outputs'
//! files, signals, and the browser that is shown one. The rest is pure and tested without
//! privileges.

pub mod addr;
pub mod bpf;
pub mod capture;
pub mod cli;
pub mod code;
pub mod command;
pub mod config;
pub mod error;
pub mod event;
pub mod export;
#[cfg(test)]
mod fuzz;
pub mod id;
pub mod live;
pub mod privileges;
pub mod proc;
pub mod profile;
pub mod recording;
pub mod report;
pub mod stitch;
pub mod symbolize;
pub mod text;
pub mod time;
pub mod tui;
pub mod view;
