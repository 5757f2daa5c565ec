//! The messages of a recording, as man/somno-recording.5 describes them.
//!
//! Protocol buffers (<https://protobuf.dev/programming-guides/encoding/>): a field that is
//! not known is skipped, so new ones may be added; a number that was used stays used.
//! Samples are columns: values of one kind in a row, as differences where they grow, which
//! is what compresses. A column that is empty is all zeros.

use prost::{Message, Oneof};

/// What a file begins with. The line ends and the end-of-file mark are there to be spoiled
/// by whatever takes it for text, as in PNG.
pub(super) const MAGIC: [u8; 8] = *b"SOMNO\r\n\x1a";
/// The version that is written, and the only one that there is.
pub(super) const VERSION: u32 = 1;
/// Bytes of a compressed frame's content, at most.
pub(super) const FRAME_MAX: u64 = 16 << 20;

/// What a frame holds, each preceded by its length.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(
        oneof = "Kind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17"
    )]
    pub(super) kind: Option<Kind>,
}

/// Numbers from 16 on are of labels.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Header(Header),
    #[prost(message, tag = "2")]
    Module(Module),
    #[prost(message, tag = "3")]
    BuildId(BuildId),
    #[prost(message, tag = "4")]
    Thread(Thread),
    #[prost(message, tag = "5")]
    Frames(Frames),
    #[prost(message, tag = "6")]
    Stacks(Stacks),
    #[prost(message, tag = "7")]
    KernelHalves(KernelHalves),
    #[prost(message, tag = "8")]
    UserHalves(UserHalves),
    #[prost(message, tag = "9")]
    Notices(Notices),
    #[prost(message, tag = "10")]
    Symbols(Symbols),
    #[prost(message, tag = "11")]
    Pending(Pending),
    /// The last one of a recording that is whole.
    #[prost(message, tag = "12")]
    Totals(Totals),
    /// Whatever was written before by the kernel side has been read.
    #[prost(message, tag = "13")]
    RoundEnd(RoundEnd),
    #[prost(message, tag = "16")]
    Cgroup(Cgroup),
    #[prost(message, tag = "17")]
    Variable(Variable),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Header {
    #[prost(string, tag = "1")]
    pub(super) version: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) command_line: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) target: String,
    /// 0 in the task, 1 in the interrupt.
    #[prost(uint32, tag = "4")]
    pub(super) mode: u32,
    #[prost(message, repeated, tag = "5")]
    pub(super) events: Vec<EventInfo>,
    /// Samples a second; 0 where there is a period.
    #[prost(uint64, tag = "6")]
    pub(super) frequency: u64,
    #[prost(uint64, tag = "7")]
    pub(super) period: u64,
    #[prost(uint64, tag = "8")]
    pub(super) began_unix_ns: u64,
    #[prost(uint64, tag = "9")]
    pub(super) began: u64,
    #[prost(string, tag = "10")]
    pub(super) machine: String,
    #[prost(string, tag = "11")]
    pub(super) kernel: String,
    #[prost(string, tag = "12")]
    pub(super) architecture: String,
    #[prost(uint32, tag = "13")]
    pub(super) cpus: u32,
    #[prost(string, tag = "14")]
    pub(super) boot_id: String,
    /// In nanoseconds; there is none where there are no intervals off the CPU.
    #[prost(uint64, optional, tag = "15")]
    pub(super) off_cpu_min: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EventInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    /// 0 samples, 1 nanoseconds.
    #[prost(uint32, tag = "2")]
    pub(super) unit: u32,
    /// Samples a second, where it has a rate of its own that is one.
    #[prost(uint64, tag = "3")]
    pub(super) frequency: u64,
    /// Likewise, after how many events a sample is taken.
    #[prost(uint64, tag = "4")]
    pub(super) period: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Module {
    #[prost(uint32, tag = "1")]
    pub(super) id: u32,
    #[prost(uint32, tag = "2")]
    pub(super) device: u32,
    #[prost(uint64, tag = "3")]
    pub(super) inode: u64,
    #[prost(uint64, tag = "4")]
    pub(super) size: u64,
    #[prost(uint64, tag = "5")]
    pub(super) mtime_ns: u64,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) path: Vec<u8>,
    #[prost(bool, tag = "7")]
    pub(super) deleted: bool,
    #[prost(uint32, tag = "8")]
    pub(super) pid: u32,
    #[prost(uint64, tag = "9")]
    pub(super) start: u64,
    #[prost(uint64, tag = "10")]
    pub(super) end: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BuildId {
    #[prost(uint32, tag = "1")]
    pub(super) module: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) build_id: Vec<u8>,
}

/// The first one is number 0.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Thread {
    #[prost(uint32, tag = "1")]
    pub(super) pid: u32,
    #[prost(uint32, tag = "2")]
    pub(super) tid: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) comm: Vec<u8>,
    /// 0: not known.
    #[prost(uint64, tag = "4")]
    pub(super) cgroup: u64,
    /// Of the process, which environment; 0: none.
    #[prost(uint64, tag = "5")]
    pub(super) environment: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Cgroup {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) path: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Variable {
    #[prost(uint32, tag = "1")]
    pub(super) pid: u32,
    #[prost(uint64, tag = "2")]
    pub(super) environment: u64,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) value: String,
}

/// Places of code, numbered from 0 on. Reasons why stacks stop short are none.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Frames {
    /// 0 the kernel, 1 anonymous memory, else a module's id plus 1.
    #[prost(uint32, repeated, tag = "1")]
    pub(super) place: Vec<u32>,
    /// Offset in the file, or address; minus that of the frame before.
    #[prost(sint64, repeated, tag = "2")]
    pub(super) offset: Vec<i64>,
    /// One for each frame in anonymous memory.
    #[prost(uint32, repeated, tag = "3")]
    pub(super) pid: Vec<u32>,
    #[prost(uint64, repeated, tag = "4")]
    pub(super) process_start: Vec<u64>,
}

/// Stacks, numbered from 1 on; 0 is the empty one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Stacks {
    /// Numbers begin again: those before are not referred to any more.
    #[prost(bool, tag = "1")]
    pub(super) reset: bool,
    /// How far before this one the stack of its callers is.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) parent: Vec<u32>,
    /// Its leaf, minus that of the stack before.
    #[prost(sint32, repeated, tag = "3")]
    pub(super) frame: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KernelHalves {
    /// Minus that before; of the first, minus the beginning.
    #[prost(sint64, repeated, tag = "1")]
    pub(super) time: Vec<i64>,
    #[prost(uint32, repeated, tag = "2")]
    pub(super) thread: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    pub(super) cpu: Vec<u32>,
    /// Minus 1.
    #[prost(uint64, repeated, tag = "4")]
    pub(super) weight: Vec<u64>,
    #[prost(uint32, repeated, tag = "5")]
    pub(super) event: Vec<u32>,
    /// 0 deferred, 1 there is none, else the outcome's number plus 2.
    #[prost(uint32, repeated, tag = "6")]
    pub(super) promise: Vec<u32>,
    #[prost(uint32, repeated, tag = "7")]
    pub(super) slot: Vec<u32>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "8")]
    pub(super) turn: Vec<i64>,
    /// The kernel's part.
    #[prost(uint32, repeated, tag = "9")]
    pub(super) stack: Vec<u32>,
    /// 1 it hit somno's own callback, 2 it was taken in an NMI.
    #[prost(uint32, repeated, tag = "10")]
    pub(super) flags: Vec<u32>,
    /// 0 on the CPU; else off it, where the weight is the interval's length and the time its
    /// end: 1 interruptible, 2 uninterruptible, 3 preempted, 4 stopped.
    #[prost(uint32, repeated, tag = "11")]
    pub(super) state: Vec<u32>,
    /// The thread that ended an interval, plus 1; 0 where it is not known.
    #[prost(uint32, repeated, tag = "12")]
    pub(super) waker: Vec<u32>,
    /// Its stack, the kernel's part.
    #[prost(uint32, repeated, tag = "13")]
    pub(super) waker_stack: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UserHalves {
    /// Minus that before; of the first, minus the beginning.
    #[prost(sint64, repeated, tag = "1")]
    pub(super) time: Vec<i64>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "2")]
    pub(super) pid: Vec<i64>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "3")]
    pub(super) tid: Vec<i64>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "4")]
    pub(super) process_start: Vec<i64>,
    #[prost(uint32, repeated, tag = "5")]
    pub(super) slot: Vec<u32>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "6")]
    pub(super) turn: Vec<i64>,
    /// The outcome's number.
    #[prost(uint32, repeated, tag = "7")]
    pub(super) outcome: Vec<u32>,
    /// Sent before an exit or exec.
    #[prost(uint32, repeated, tag = "8")]
    pub(super) leaving: Vec<u32>,
    #[prost(uint32, repeated, tag = "9")]
    pub(super) cost_ns: Vec<u32>,
    #[prost(uint32, repeated, tag = "10")]
    pub(super) slept: Vec<u32>,
    /// Minus that before.
    #[prost(sint64, repeated, tag = "11")]
    pub(super) stack: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Notices {
    /// Minus that before; of the first, minus the beginning.
    #[prost(sint64, repeated, tag = "1")]
    pub(super) time: Vec<i64>,
    /// Who, with the name afterwards.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) thread: Vec<u32>,
    /// 0 made, 1 another program, 2 renamed, 3 ended.
    #[prost(uint32, repeated, tag = "3")]
    pub(super) what: Vec<u32>,
    /// The process that made it; one for each that was made.
    #[prost(uint32, repeated, tag = "4")]
    pub(super) parent: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Symbols {
    /// Numbered on from those of the message before; the first of all is 0.
    #[prost(string, repeated, tag = "1")]
    pub(super) strings: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub(super) symbols: Vec<Symbol>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Symbol {
    #[prost(uint32, tag = "1")]
    pub(super) frame: u32,
    /// 0 it has names, else the reason's number plus 1, and one name, its place.
    #[prost(uint32, tag = "2")]
    pub(super) unnamed: u32,
    /// Outermost first.
    #[prost(message, repeated, tag = "3")]
    pub(super) names: Vec<Name>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Name {
    #[prost(uint32, tag = "1")]
    pub(super) text: u32,
    /// 0 in a file, 1 inlined, 2 made at run time, 3 the kernel.
    #[prost(uint32, tag = "2")]
    pub(super) kind: u32,
    /// A string's number plus 1; 0 where it is not known.
    #[prost(uint32, tag = "3")]
    pub(super) file: u32,
    #[prost(uint32, tag = "4")]
    pub(super) line: u32,
}

/// Without content so far.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RoundEnd {}

/// Callbacks that had not run when sampling stopped.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Pending {
    #[prost(uint32, repeated, tag = "1")]
    pub(super) slot: Vec<u32>,
    #[prost(uint32, repeated, tag = "2")]
    pub(super) turn: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Totals {
    #[prost(uint64, tag = "1")]
    pub(super) duration_ns: u64,
    #[prost(uint64, tag = "2")]
    pub(super) lost_kernel_ring: u64,
    #[prost(uint64, tag = "3")]
    pub(super) lost_user_ring: u64,
    #[prost(uint64, tag = "4")]
    pub(super) lost_slots: u64,
    #[prost(uint64, tag = "5")]
    pub(super) lost_schedule: u64,
    #[prost(uint64, tag = "6")]
    pub(super) lost_shed: u64,
    #[prost(uint64, tag = "7")]
    pub(super) lost_throttled: u64,
    #[prost(uint64, tag = "8")]
    pub(super) lost_notices: u64,
    #[prost(uint64, tag = "9")]
    pub(super) cfi: u64,
    #[prost(uint64, tag = "10")]
    pub(super) frame_pointer: u64,
    #[prost(uint64, tag = "11")]
    pub(super) rule_cached: u64,
    #[prost(uint64, tag = "12")]
    pub(super) rule_found: u64,
    #[prost(uint64, tag = "13")]
    pub(super) nmi_p50_ns: u64,
    #[prost(uint64, tag = "14")]
    pub(super) nmi_p99_ns: u64,
    #[prost(uint64, tag = "15")]
    pub(super) nmi_total_ns: u64,
    #[prost(uint64, tag = "16")]
    pub(super) own_cpu_ns: u64,
    #[prost(uint64, tag = "17")]
    pub(super) own_peak_resident: u64,
    #[prost(uint64, tag = "18")]
    pub(super) own_anonymous: u64,
    #[prost(uint64, tag = "19")]
    pub(super) symbols_captured: u64,
    #[prost(uint64, tag = "20")]
    pub(super) modules_seen: u64,
    #[prost(uint64, tag = "21")]
    pub(super) start_to_first_sample_ns: u64,
    #[prost(uint64, tag = "22")]
    pub(super) forks: u64,
    #[prost(uint64, tag = "23")]
    pub(super) execs: u64,
    #[prost(uint64, tag = "24")]
    pub(super) exits: u64,
    #[prost(uint64, tag = "25")]
    pub(super) renames: u64,
    #[prost(uint64, tag = "26")]
    pub(super) symbols_cut: u64,
    #[prost(uint64, tag = "27")]
    pub(super) symbol_bytes: u64,
    #[prost(uint64, tag = "28")]
    pub(super) symbols_delayed: u64,
    #[prost(uint64, tag = "29")]
    pub(super) off_cpu_short_count: u64,
    #[prost(uint64, tag = "30")]
    pub(super) off_cpu_short_ns: u64,
    #[prost(uint64, tag = "31")]
    pub(super) off_cpu_untracked: u64,
    #[prost(uint64, tag = "32")]
    pub(super) lost_modules: u64,
}
