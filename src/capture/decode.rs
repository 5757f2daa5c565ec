//! From records in a ring to events.

use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::bpf::abi;
use crate::event::{
    BuildId, Comm, Event, FileIdentity, KernelHalf, Module, ModuleBuildId, ModuleSymbols, Outcome,
    Promise, Segment, SymbolPart, SymbolTable, SymbolTables, TaskChange, TaskNotice, TaskState,
    UserFrame, UserHalf, Variable, Waker, Weight,
};
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::time::{ProcessStart, Timestamp};

/// A record, decoded.
#[derive(Clone, Debug)]
pub enum Record {
    /// An event, complete.
    Event(Event),
    /// A sample with the user stack that the interrupt took, as addresses.
    Interrupted(KernelHalf, Vec<UserAddress>),
}

/// Decodes a record; `None` when its kind is unknown or it is cut short.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Record> {
    let kind = u32::from_ne_bytes(*bytes.first_chunk()?);
    match kind {
        abi::record::KERNEL_HALF => kernel_half(bytes),
        abi::record::USER_HALF => user_half(bytes).map(Event::UserHalf).map(Record::Event),
        abi::record::MODULE => module(bytes).map(Event::Module).map(Record::Event),
        abi::record::BUILD_ID => build_id(bytes).map(Event::BuildId).map(Record::Event),
        abi::record::SYMBOL_TABLES => symbol_tables(bytes).map(Event::Symbols).map(Record::Event),
        abi::record::SYMBOL_BYTES => symbol_bytes(bytes).map(Event::Symbols).map(Record::Event),
        abi::record::ENVIRONMENT => variable(bytes).map(Event::Variable).map(Record::Event),
        abi::record::NOTICE => notice(bytes).map(Event::Task).map(Record::Event),
        _ => None,
    }
}

fn cookie(word: u64) -> Cookie {
    let (slot, turn) = abi::split_cookie(word);
    Cookie { slot, turn }
}

/// Takes `count` words off the front of the bytes.
fn words<'a>(bytes: &mut &'a [u8], count: u16) -> Option<impl Iterator<Item = u64> + use<'a>> {
    let (taken, rest) = bytes.split_at_checked(usize::from(count) * size_of::<u64>())?;
    *bytes = rest;
    Some(
        taken
            .chunks_exact(size_of::<u64>())
            .map(|chunk| u64::from_ne_bytes(chunk.try_into().expect("chunks are this long"))),
    )
}

fn kernel_half(bytes: &[u8]) -> Option<Record> {
    let (fixed, mut rest) = abi::KernelHalf::split(bytes)?;
    let kernel = words(&mut rest, fixed.kernel_frames)?
        .map(KernelAddress)
        .collect();
    let user: Vec<_> = words(&mut rest, fixed.user_frames)?
        .map(UserAddress)
        .collect();
    let waker = match fixed.flags & abi::FLAG_WAKER {
        0 => None,
        _ => Some(Box::new(waker(rest, fixed.waker_frames)?)),
    };
    let half = KernelHalf {
        time: Timestamp(fixed.time_ns),
        cpu: Cpu(fixed.cpu),
        pid: Pid(fixed.pid),
        tid: Tid(fixed.tid),
        comm: Comm::new(fixed.comm),
        cgroup: CgroupId(fixed.cgroup),
        environment: EnvironmentId(fixed.environment),
        weight: Weight(fixed.weight),
        event: fixed.event,
        state: match fixed.state {
            abi::state::INTERRUPTIBLE => TaskState::Interruptible,
            abi::state::UNINTERRUPTIBLE => TaskState::Uninterruptible,
            abi::state::PREEMPTED => TaskState::Preempted,
            abi::state::STOPPED => TaskState::Stopped,
            _ => TaskState::OnCpu,
        },
        promise: match fixed.promise {
            abi::promise::DEFERRED => Promise::Deferred(cookie(fixed.cookie)),
            abi::promise::KERNEL_ONLY => Promise::KernelOnly,
            abi::promise::INTERRUPT => Promise::Never(Outcome::Interrupt),
            abi::promise::EXITED => Promise::Never(Outcome::Exited),
            abi::promise::NO_SLOT | abi::promise::NOT_SCHEDULED => Promise::Never(Outcome::Lost),
            _ => return None,
        },
        own_cost: fixed.flags & abi::FLAG_OWN_COST != 0,
        in_nmi: fixed.flags & abi::FLAG_NMI != 0,
        kernel,
        waker,
    };
    Some(if fixed.promise == abi::promise::INTERRUPT {
        Record::Interrupted(half, user)
    } else {
        Record::Event(Event::KernelHalf(half))
    })
}

fn waker(bytes: &[u8], frames: u16) -> Option<Waker> {
    let (fixed, mut rest) = abi::Waker::split(bytes)?;
    Some(Waker {
        pid: Pid(fixed.pid),
        tid: Tid(fixed.tid),
        comm: Comm::new(fixed.comm),
        kernel: words(&mut rest, frames)?.map(KernelAddress).collect(),
    })
}

fn user_half(bytes: &[u8]) -> Option<UserHalf> {
    let (fixed, mut rest) = abi::UserHalf::split(bytes)?;
    let frames = words(&mut rest, fixed.frame_count)?
        .map(|word| match abi::split_frame(word) {
            abi::Frame::Address(address) => UserFrame::Anonymous(UserAddress(address)),
            abi::Frame::File(module, offset) => {
                UserFrame::File(ModuleId(module), FileOffset(offset))
            }
        })
        .collect();
    Some(UserHalf {
        cookie: cookie(fixed.cookie),
        time: Timestamp(fixed.time_ns),
        pid: Pid(fixed.pid),
        tid: Tid(fixed.tid),
        process_start: ProcessStart(fixed.process_start_ns),
        outcome: match fixed.outcome {
            abi::outcome::COMPLETE => Outcome::Complete,
            abi::outcome::NO_CFI => Outcome::NoCfi,
            abi::outcome::BAD_CFI => Outcome::BadCfi,
            abi::outcome::BROKEN_CHAIN => Outcome::BrokenChain,
            abi::outcome::UNREADABLE => Outcome::Unreadable,
            abi::outcome::TOO_DEEP => Outcome::TooDeep,
            abi::outcome::PAST_EXIT => Outcome::Exited,
            abi::outcome::EXEC => Outcome::Exec,
            _ => Outcome::Lost,
        },
        leaving: fixed.leaving != 0,
        cost_ns: fixed.cost_ns,
        slept: fixed.slept,
        frames,
    })
}

fn module(bytes: &[u8]) -> Option<Module> {
    let (fixed, rest) = abi::Module::split(bytes)?;
    let components = rest.get(..usize::from(fixed.path_len))?;
    Some(Module {
        id: ModuleId(fixed.id),
        identity: FileIdentity {
            device: fixed.identity.device,
            inode: fixed.identity.inode,
            size: fixed.identity.size,
            mtime_ns: fixed.identity.mtime_ns,
        },
        path: join_components(components, fixed.flags & abi::MODULE_PATH_CUT != 0),
        deleted: fixed.flags & abi::MODULE_DELETED != 0,
        pid: Pid(fixed.pid),
        mapped: (UserAddress(fixed.map_start), UserAddress(fixed.map_end)),
    })
}

fn build_id(bytes: &[u8]) -> Option<ModuleBuildId> {
    let (fixed, _) = abi::BuildId::split(bytes)?;
    let len = usize::try_from(fixed.len).ok()?;
    Some(ModuleBuildId {
        module: ModuleId(fixed.id),
        build_id: BuildId::new(fixed.bytes.get(..len)?),
    })
}

fn symbol_tables(bytes: &[u8]) -> Option<ModuleSymbols> {
    let (fixed, _) = abi::SymbolTables::split(bytes)?;
    let segments = fixed
        .segments
        .get(..usize::try_from(fixed.segment_count).ok()?)?
        .iter()
        .map(|&[offset, size, address]| Segment {
            offset: FileOffset(offset),
            size,
            address,
        });
    Some(ModuleSymbols {
        module: ModuleId(fixed.id),
        what: SymbolPart::Tables(SymbolTables {
            symbols_size: fixed.symbols_size,
            strings_size: fixed.strings_size,
            cut: fixed.flags & abi::SYMBOLS_CUT != 0,
            with_local: fixed.flags & abi::SYMBOLS_STATIC != 0,
            segments: segments.collect(),
        }),
    })
}

fn symbol_bytes(bytes: &[u8]) -> Option<ModuleSymbols> {
    let (fixed, rest) = abi::SymbolBytes::split(bytes)?;
    let table = match fixed.table {
        abi::symbol_table::SYMBOLS => SymbolTable::Symbols,
        abi::symbol_table::STRINGS => SymbolTable::Strings,
        _ => return None,
    };
    let bytes = rest.get(..usize::try_from(fixed.len).ok()?)?;
    Some(ModuleSymbols {
        module: ModuleId(fixed.id),
        what: SymbolPart::Bytes(table, fixed.offset, bytes.into()),
    })
}

/// Makes a path of names that come leaf first, each ended by a zero byte. One whose beginning is
/// missing names no file.
fn join_components(components: &[u8], is_cut: bool) -> Vec<u8> {
    let mut path = Vec::with_capacity(components.len() + 1);
    if is_cut {
        path.extend_from_slice("/…".as_bytes());
    }
    for name in components.rsplit(|&byte| byte == 0) {
        if !name.is_empty() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
    }
    path
}

fn variable(bytes: &[u8]) -> Option<Variable> {
    let (fixed, rest) = abi::Environment::split(bytes)?;
    let text = rest.get(..usize::from(fixed.text_len))?;
    let text = String::from_utf8_lossy(text);
    let (name, value) = text.split_once('=')?;
    let end = match fixed.flags & abi::ENVIRONMENT_CUT {
        0 => "",
        _ => "…",
    };
    Some(Variable {
        pid: Pid(fixed.pid),
        environment: EnvironmentId(fixed.id),
        name: name.into(),
        value: format!("{value}{end}"),
    })
}

fn notice(bytes: &[u8]) -> Option<TaskNotice> {
    let (fixed, _) = abi::Notice::split(bytes)?;
    Some(TaskNotice {
        time: Timestamp(fixed.time_ns),
        pid: Pid(fixed.pid),
        tid: Tid(fixed.tid),
        comm: Comm::new(fixed.comm),
        what: match fixed.kind {
            abi::notice::FORK => TaskChange::Forked(Pid(fixed.parent_pid)),
            abi::notice::EXECED => TaskChange::Execed,
            abi::notice::EXIT => TaskChange::Exited,
            abi::notice::RENAMED => TaskChange::Renamed,
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    fn user_half_bytes(frames: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<abi::UserHalf>()];
        bytes[0] = 2;
        bytes[6..8].copy_from_slice(&u16::try_from(frames.len()).expect("few").to_ne_bytes());
        bytes[16..24].copy_from_slice(&(3_u64 << 32 | 9).to_ne_bytes());
        for frame in frames {
            bytes.extend_from_slice(&frame.to_ne_bytes());
        }
        bytes
    }

    /// Check that a user half comes out with its cookie and its frames.
    #[test]
    fn user_halves_are_decoded() {
        let bytes = user_half_bytes(&[2 << 40 | 16, 1 << 63 | 32]);
        let Some(Record::Event(Event::UserHalf(half))) = decode(&bytes) else {
            panic!("not a user half");
        };
        assert_eq!(half.cookie, Cookie { slot: 3, turn: 9 });
        assert_eq!(
            half.frames[..],
            [
                UserFrame::File(ModuleId(2), FileOffset(16)),
                UserFrame::Anonymous(UserAddress(32)),
            ]
        );
    }

    /// A kernel half with two kernel frames, a user frame, and a waker with one frame.
    fn kernel_half_bytes(promise: u8) -> Vec<u8> {
        use std::mem::offset_of;
        type Half = abi::KernelHalf;
        let mut bytes = vec![0; size_of::<Half>()];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(offset_of!(Half, record), &[1]);
        put(offset_of!(Half, promise), &[promise]);
        put(offset_of!(Half, flags), &[abi::FLAG_NMI | abi::FLAG_WAKER]);
        put(offset_of!(Half, cookie), &(7_u64 << 32 | 8).to_ne_bytes());
        put(offset_of!(Half, weight), &1_500_u64.to_ne_bytes());
        put(offset_of!(Half, pid), &11_u32.to_ne_bytes());
        put(offset_of!(Half, tid), &12_u32.to_ne_bytes());
        put(offset_of!(Half, kernel_frames), &[2]);
        put(offset_of!(Half, user_frames), &[1]);
        put(offset_of!(Half, state), &[abi::state::STOPPED]);
        put(offset_of!(Half, event), &[3]);
        put(offset_of!(Half, waker_frames), &[1]);
        put(offset_of!(Half, comm), b"half");
        for address in [0xa_u64, 0xb, 0xc] {
            bytes.extend_from_slice(&address.to_ne_bytes());
        }
        bytes.extend_from_slice(&21_u32.to_ne_bytes());
        bytes.extend_from_slice(&22_u32.to_ne_bytes());
        bytes.extend_from_slice(b"waker\0\0\0\0\0\0\0\0\0\0\0");
        bytes.extend_from_slice(&0xd_u64.to_ne_bytes());
        bytes
    }

    /// Check that a kernel half comes out with all that it can have.
    #[test]
    fn kernel_halves_are_decoded() {
        let bytes = kernel_half_bytes(abi::promise::INTERRUPT);
        let Some(Record::Interrupted(half, user)) = decode(&bytes) else {
            panic!("not a half with its user stack");
        };
        assert_eq!(half.kernel[..], [KernelAddress(0xa), KernelAddress(0xb)]);
        assert_eq!(user, [UserAddress(0xc)]);
        assert_eq!((half.pid, half.tid), (Pid(11), Tid(12)));
        assert_eq!((half.weight, half.event), (Weight(1_500), 3));
        assert_eq!(half.state, TaskState::Stopped);
        assert!(half.in_nmi && !half.own_cost);
        let waker = half.waker.expect("it has one");
        assert_eq!((waker.pid, waker.tid), (Pid(21), Tid(22)));
        assert_eq!(waker.kernel[..], [KernelAddress(0xd)]);
    }

    /// Check what is made of each promise, and that one that is not known is refused.
    #[test]
    fn promises_are_told_apart() {
        let promise = |number| match decode(&kernel_half_bytes(number))? {
            Record::Event(Event::KernelHalf(half)) | Record::Interrupted(half, _) => {
                Some(half.promise)
            }
            Record::Event(_) => None,
        };
        let cookie = Cookie { slot: 7, turn: 8 };
        for (number, meaning) in [
            (abi::promise::DEFERRED, Some(Promise::Deferred(cookie))),
            (abi::promise::KERNEL_ONLY, Some(Promise::KernelOnly)),
            (abi::promise::EXITED, Some(Promise::Never(Outcome::Exited))),
            (abi::promise::NO_SLOT, Some(Promise::Never(Outcome::Lost))),
            (
                abi::promise::NOT_SCHEDULED,
                Some(Promise::Never(Outcome::Lost)),
            ),
            (99, None),
        ] {
            assert_eq!(promise(number), meaning, "{number}");
        }
    }

    /// Check that every cut of a record is refused, and so is an unknown kind.
    #[test]
    fn cut_records_are_refused() {
        let bytes = user_half_bytes(&[1, 2]);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_none(), "{len}");
        }
        assert!(decode(&[9, 0, 0, 0, 0, 0, 0, 0]).is_none());
    }

    /// Check that path components are turned round.
    #[test]
    fn paths_are_joined() {
        for (components, is_cut, path) in [
            (&b"ls\0bin\0usr\0"[..], false, "/usr/bin/ls"),
            (b"memfd:x\0", false, "/memfd:x"),
            (b"", false, ""),
            (b"ls\0bin\0", true, "/…/bin/ls"),
        ] {
            assert_eq!(join_components(components, is_cut), path.as_bytes());
        }
    }

    /// A record of a kind, with room for all that one can have.
    fn blank(kind: u32, fixed: usize) -> Vec<u8> {
        let mut bytes = vec![0; fixed + 64];
        bytes[..4].copy_from_slice(&kind.to_ne_bytes());
        bytes
    }

    /// Check that a record of whatever bytes is decoded or refused, and that what comes of it is
    /// no longer than it is.
    #[test]
    fn damage_is_harmless() {
        let mut notice = blank(abi::record::NOTICE, size_of::<abi::Notice>());
        notice[std::mem::offset_of!(abi::Notice, kind)] = 1;
        let mut variable = blank(abi::record::ENVIRONMENT, size_of::<abi::Environment>());
        variable[std::mem::offset_of!(abi::Environment, text_len)] = 3;
        variable[size_of::<abi::Environment>()..][..3].copy_from_slice(b"A=b");
        let records = [
            notice,
            variable,
            kernel_half_bytes(abi::promise::DEFERRED),
            user_half_bytes(&[2 << 40 | 16, 1 << 63 | 32]),
            blank(abi::record::KERNEL_HALF, size_of::<abi::KernelHalf>()),
            blank(abi::record::MODULE, size_of::<abi::Module>()),
            blank(abi::record::BUILD_ID, size_of::<abi::BuildId>()),
            blank(abi::record::SYMBOL_TABLES, size_of::<abi::SymbolTables>()),
            blank(abi::record::SYMBOL_BYTES, size_of::<abi::SymbolBytes>()),
        ];
        let records: Vec<_> = records.iter().map(Vec::as_slice).collect();
        for record in &records {
            assert!(decode(record).is_some(), "{record:?}");
        }
        Fuzz::of(&records).run(|record| {
            let len = match decode(record) {
                Some(Record::Event(Event::UserHalf(half))) => size_of_val(&half.frames[..]) / 2,
                Some(Record::Event(Event::KernelHalf(half))) => size_of_val(&half.kernel[..]),
                Some(Record::Event(Event::Module(module))) => module.path.len(),
                Some(Record::Interrupted(_, user)) => size_of_val(&user[..]),
                _ => 0,
            };
            assert!(len <= record.len());
        });
    }
}
