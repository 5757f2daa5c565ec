//! Mirrors of `bpf/abi.h`, checked against the skeleton's own types when compiling.

use std::mem::{offset_of, size_of};

use bytemuck::{AnyBitPattern, Zeroable as _};

use super::skeleton::types;

/// Slots for pending callbacks.
pub const SLOTS: u32 = 16_384;
/// Slots that one run of the arming program arms.
pub const ARM_BATCH: u32 = 32;
/// The most user frames that a user half holds.
pub const MAX_DEPTH: u32 = 1024;
/// The most events that one recording has.
pub const EVENTS: usize = 32;
/// The most variables of the environment that may be asked for.
pub const VARIABLES: usize = 8;
/// Bytes of the longest name of one, with its end.
pub const VARIABLE_LEN: usize = 64;
/// The highest CPU number, plus one, that can be selected.
pub const MAX_CPUS: u16 = 1024;

/// The first word of a record.
pub mod record {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const KERNEL_HALF: u32 = 1;
    pub const USER_HALF: u32 = 2;
    pub const MODULE: u32 = 3;
    pub const NOTICE: u32 = 4;
    pub const BUILD_ID: u32 = 5;
    pub const SYMBOL_TABLES: u32 = 6;
    pub const SYMBOL_BYTES: u32 = 7;
    pub const ENVIRONMENT: u32 = 8;
}

/// Whether and how a user stack follows.
pub mod promise {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const DEFERRED: u8 = 0;
    pub const KERNEL_ONLY: u8 = 1;
    pub const INTERRUPT: u8 = 2;
    pub const EXITED: u8 = 3;
    pub const NO_SLOT: u8 = 4;
    pub const NOT_SCHEDULED: u8 = 5;
}

/// What a sample's task was doing.
pub mod state {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const ON_CPU: u8 = 0;
    pub const INTERRUPTIBLE: u8 = 1;
    pub const UNINTERRUPTIBLE: u8 = 2;
    pub const PREEMPTED: u8 = 3;
    pub const STOPPED: u8 = 4;
}

/// How unwinding ended.
pub mod outcome {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const COMPLETE: u8 = 0;
    pub const NO_CFI: u8 = 1;
    pub const BAD_CFI: u8 = 2;
    pub const BROKEN_CHAIN: u8 = 3;
    pub const UNREADABLE: u8 = 4;
    pub const TOO_DEEP: u8 = 5;
    pub const PAST_EXIT: u8 = 6;
    pub const EXEC: u8 = 7;
}

/// What a task did.
pub mod notice {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const FORK: u32 = 1;
    pub const EXECED: u32 = 2;
    pub const EXIT: u32 = 3;
    pub const RENAMED: u32 = 4;
}

/// What of a followed task's events is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Following {
    /// Some may not be: not every child has inherited them.
    Opening = 1,
    /// All are.
    Opened = 2,
}

/// Which table a piece of symbols is of.
pub mod symbol_table {
    #![expect(missing_docs, reason = "each is described where abi.h defines it")]
    pub const SYMBOLS: u32 = 0;
    pub const STRINGS: u32 = 1;
}

/// The interrupt hit somno's own callback.
pub const FLAG_OWN_COST: u8 = 1;
/// The sample was taken in a non-maskable interrupt.
pub const FLAG_NMI: u8 = 2;
/// Who ended the interval follows the addresses.
pub const FLAG_WAKER: u8 = 4;
/// The module's file had no name any more.
pub const MODULE_DELETED: u16 = 1;
/// The module's path did not fit: its beginning is missing.
pub const MODULE_PATH_CUT: u16 = 2;
/// The value of a variable did not fit.
pub const ENVIRONMENT_CUT: u16 = 1;
/// The end of a symbol table was beyond the bound.
pub const SYMBOLS_CUT: u32 = 1;
/// The symbols are those of `.symtab`.
pub const SYMBOLS_STATIC: u32 = 2;
/// Segments that are told of a module.
pub const SEGMENTS: usize = 8;

const FRAME_ADDRESS: u64 = 1 << 63;
const FRAME_OFFSET_BITS: u32 = 40;

/// A frame word, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An address in anonymous memory.
    Address(u64),
    /// A module's id and the offset in its file.
    File(u32, u64),
}

/// Takes a frame word apart.
#[must_use]
pub fn split_frame(word: u64) -> Frame {
    if word & FRAME_ADDRESS != 0 {
        return Frame::Address(word & !FRAME_ADDRESS);
    }
    let module = u32::try_from(word >> FRAME_OFFSET_BITS).expect("23 bits are left");
    Frame::File(module, word & ((1 << FRAME_OFFSET_BITS) - 1))
}

/// Takes a cookie apart: slot and turn.
#[must_use]
pub fn split_cookie(cookie: u64) -> (u32, u32) {
    ((cookie >> 32) as u32, (cookie & 0xffff_ffff) as u32)
}

/// Takes a slot's owner word apart: tid and turn.
#[must_use]
pub fn split_owner(owner: u64) -> (u32, u32) {
    ((owner & 0xffff_ffff) as u32, (owner >> 32) as u32)
}

macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $generated:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, AnyBitPattern)]
        #[repr(C)]
        #[expect(missing_docs, reason = "each is described where abi.h defines it")]
        pub struct $name {
            $(pub $field: $type,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == size_of::<types::$generated>());
            $(assert!(offset_of!($name, $field) == offset_of!(types::$generated, $field));)*
        };

        impl $name {
            /// Splits a record into its fixed part and what follows; `None` when it is too short.
            #[must_use]
            pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (fixed, rest) = bytes.split_at_checked(size_of::<Self>())?;
                Some((bytemuck::pod_read_unaligned(fixed), rest))
            }
        }
    };
}

mirror!(
    /// The interrupt's part of a sample.
    KernelHalf of somno_kernel_half {
        record: u32,
        cpu: u16,
        promise: u8,
        flags: u8,
        time_ns: u64,
        cookie: u64,
        weight: u64,
        cgroup: u64,
        environment: u64,
        pid: u32,
        tid: u32,
        kernel_frames: u16,
        user_frames: u16,
        state: u8,
        event: u8,
        waker_frames: u16,
        comm: [u8; 16],
    }
);

mirror!(
    /// Who ended an interval off the CPU.
    Waker of somno_waker {
        pid: u32,
        tid: u32,
        comm: [u8; 16],
    }
);

mirror!(
    /// The task's part of a sample.
    UserHalf of somno_user_half {
        record: u32,
        outcome: u8,
        leaving: u8,
        frame_count: u16,
        time_ns: u64,
        cookie: u64,
        process_start_ns: u64,
        pid: u32,
        tid: u32,
        cost_ns: u32,
        slept: u32,
    }
);

mirror!(
    /// Which file a module is.
    Identity of somno_identity {
        inode: u64,
        size: u64,
        mtime_ns: u64,
        device: u32,
        reserved: u32,
    }
);

mirror!(
    /// The first sight of a module.
    Module of somno_module {
        record: u32,
        id: u32,
        identity: Identity,
        map_start: u64,
        map_end: u64,
        pid: u32,
        flags: u16,
        path_len: u16,
    }
);

mirror!(
    /// What a module's file calls itself.
    BuildId of somno_build_id {
        record: u32,
        id: u32,
        len: u32,
        bytes: [u8; 32],
    }
);

/// A loaded segment of a file: offset and size there, and its address.
pub type Segment = [u64; 3];

const _: () = {
    assert!(size_of::<Segment>() == size_of::<types::somno_segment>());
    assert!(offset_of!(types::somno_segment, size) == 8);
    assert!(offset_of!(types::somno_segment, vaddr) == 16);
};

mirror!(
    /// Symbols of a module are being captured.
    SymbolTables of somno_symbol_tables {
        record: u32,
        id: u32,
        symbols_size: u64,
        strings_size: u64,
        flags: u32,
        segment_count: u32,
        segments: [Segment; SEGMENTS],
    }
);

mirror!(
    /// A piece of a symbol table.
    SymbolBytes of somno_symbol_bytes {
        record: u32,
        id: u32,
        table: u32,
        len: u32,
        offset: u64,
    }
);

mirror!(
    /// A variable of a process's environment.
    Environment of somno_environment {
        record: u32,
        pid: u32,
        id: u64,
        text_len: u16,
        flags: u16,
    }
);

mirror!(
    /// A followed task did something.
    Notice of somno_notice {
        record: u32,
        kind: u32,
        time_ns: u64,
        pid: u32,
        tid: u32,
        parent_pid: u32,
        reserved: u32,
        comm: [u8; 16],
    }
);

/// Buckets of the cost histogram: eight for each power of two nanoseconds.
pub const COST_BUCKETS: usize = 256;

mirror!(
    /// The counters, and the cost of the interrupt half.
    Stats of somno_stats {
        kernel_ring_full: u64,
        user_ring_full: u64,
        module_ring_full: u64,
        notices_lost: u64,
        no_slot: u64,
        no_workspace: u64,
        not_scheduled: u64,
        modules_full: u64,
        frames_cfi: u64,
        frames_frame_pointer: u64,
        rules_cached: u64,
        rules_found: u64,
        symbol_bytes: u64,
        symbols_delayed: u64,
        symbols_cut: u64,
        off_cpu_short: u64,
        off_cpu_short_ns: u64,
        off_cpu_untracked: u64,
        shed: u64,
        nmi_cost: [u64; COST_BUCKETS],
        nmi_cost_ns: u64,
    }
);

impl Default for Stats {
    fn default() -> Self {
        Self::zeroed()
    }
}

impl Stats {
    /// Adds one CPU's counters, as the map gives them. All of them are sums.
    pub fn add(&mut self, bytes: &[u8]) {
        let Some((other, _)) = Self::split(bytes) else {
            return;
        };
        self.kernel_ring_full += other.kernel_ring_full;
        self.user_ring_full += other.user_ring_full;
        self.module_ring_full += other.module_ring_full;
        self.notices_lost += other.notices_lost;
        self.no_slot += other.no_slot;
        self.no_workspace += other.no_workspace;
        self.not_scheduled += other.not_scheduled;
        self.modules_full += other.modules_full;
        self.frames_cfi += other.frames_cfi;
        self.frames_frame_pointer += other.frames_frame_pointer;
        self.rules_cached += other.rules_cached;
        self.rules_found += other.rules_found;
        self.symbol_bytes += other.symbol_bytes;
        self.symbols_delayed += other.symbols_delayed;
        self.symbols_cut += other.symbols_cut;
        self.off_cpu_short += other.off_cpu_short;
        self.off_cpu_short_ns += other.off_cpu_short_ns;
        self.off_cpu_untracked += other.off_cpu_untracked;
        self.shed += other.shed;
        for (mine, theirs) in self.nmi_cost.iter_mut().zip(other.nmi_cost) {
            *mine += theirs;
        }
        self.nmi_cost_ns += other.nmi_cost_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a frame word is either a place in a file or an address.
    #[test]
    fn frames_are_split() {
        assert_eq!(split_frame(5 << 40 | 0x1234), Frame::File(5, 0x1234));
        assert_eq!(
            split_frame(1 << 63 | 0x7fff_1234_5678),
            Frame::Address(0x7fff_1234_5678)
        );
        assert_eq!(
            split_frame(u64::MAX >> 1),
            Frame::File(0x007f_ffff, (1 << 40) - 1)
        );
    }

    /// Check that a record that is cut short is not read beyond its end.
    #[test]
    fn short_records_are_refused() {
        assert!(Notice::split(&[0; 47]).is_none());
        let (notice, rest) = Notice::split(&[0; 50]).expect("long enough");
        assert_eq!((notice.kind, rest.len()), (0, 2));
    }
}
