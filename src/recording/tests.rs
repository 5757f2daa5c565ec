//! What is written can be read, whatever happens to it in between.

use std::collections::HashSet;
use std::io::Cursor;
use std::num::NonZeroU64;
use std::time::Duration;

use prost::Message as _;

use super::format::{Entry, FRAME_MAX, Kind, MAGIC, VERSION};
use super::writer::Writer;
use super::{Recording, format, read_from};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::error::Result;
use crate::event::{
    BuildId, Comm, Event, FileIdentity, KernelHalf, Mode, Module, ModuleBuildId, Outcome, Promise,
    TaskChange, TaskNotice, TaskState, UserFrame, UserHalf, Waker, Weight,
};
use crate::export::folded;
use crate::fuzz::Fuzz;
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::frames::{Frame, FrameId};
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::names::{FrameName, Kind as NameKind, Location, NamedFrame, Naming, Unnamed};
use crate::profile::totals::{Lost, Totals};
use crate::time::{ProcessStart, Rate, Timestamp};
use crate::view::selection::{Filter, Selection};

const BEGAN: Timestamp = Timestamp(1_000_000_000);
const LIBRARY: ModuleId = ModuleId(5);
/// Bytes that reading what is damaged may take.
const MEMORY_MAX: usize = 256 << 20;

fn header() -> Header {
    Header {
        version: "0.1.0".into(),
        command_line: vec!["somno".into(), "record".into()],
        target: "a test".into(),
        mode: Mode::Deferred,
        events: vec![EventInfo {
            name: "cpu-clock".into(),
            unit: Unit::Samples,
            rate: None,
        }],
        rate: Rate::Frequency(NonZeroU64::MIN),
        off_cpu_min: None,
        began_unix_ns: 1_700_000_000_000_000_000,
        began: BEGAN,
        machine: Machine {
            name: "there".into(),
            kernel: "6.18".into(),
            architecture: "x86_64".into(),
            cpus: 2,
            boot_id: "boot".into(),
        },
    }
}

fn kernel_half(time: u64, tid: u32, promise: Promise, kernel: &[u64]) -> KernelHalf {
    KernelHalf {
        time: Timestamp(BEGAN.0 + time),
        cpu: Cpu(1),
        pid: Pid(7),
        tid: Tid(tid),
        comm: Comm::from("worker"),
        cgroup: CgroupId::UNKNOWN,
        environment: EnvironmentId::NONE,
        weight: Weight(1 + time % 3),
        event: 0,
        state: TaskState::OnCpu,
        promise,
        own_cost: time == 3,
        in_nmi: false,
        waker: None,
        kernel: kernel.iter().copied().map(KernelAddress).collect(),
    }
}

fn user_half(time: u64, cookie: Cookie, outcome: Outcome, frames: &[UserFrame]) -> UserHalf {
    UserHalf {
        cookie,
        time: Timestamp(BEGAN.0 + time),
        pid: Pid(7),
        tid: Tid(8),
        process_start: ProcessStart(12_345),
        outcome,
        leaving: false,
        cost_ns: 1500,
        slept: 2,
        frames: frames.into(),
    }
}

fn module() -> Module {
    Module {
        id: LIBRARY,
        identity: FileIdentity {
            device: 1,
            inode: 2,
            size: 3,
            mtime_ns: 4,
        },
        path: b"/usr/lib/libtest.so".to_vec(),
        deleted: true,
        pid: Pid(7),
        mapped: (UserAddress(0x1000), UserAddress(0x2000)),
    }
}

/// Samples of all kinds, in two rounds; one user stack comes before its kernel half.
fn events() -> [Vec<Event>; 2] {
    let turn = |turn| Cookie { slot: 9, turn };
    let leaf = UserFrame::File(LIBRARY, FileOffset(0x10));
    let root = UserFrame::File(LIBRARY, FileOffset(0x2000));
    let made = UserFrame::Anonymous(UserAddress(0x7fff_0000_0000));
    let deferred = |cookie| Promise::Deferred(cookie);
    let first = vec![
        Event::Module(module()),
        Event::BuildId(ModuleBuildId {
            module: LIBRARY,
            build_id: BuildId::new(b"build"),
        }),
        Event::Task(TaskNotice {
            time: BEGAN,
            pid: Pid(7),
            tid: Tid(8),
            comm: Comm::from("worker"),
            what: TaskChange::Forked(Pid(1)),
        }),
        Event::KernelHalf(kernel_half(1, 8, deferred(turn(1)), &[u64::MAX, 1 << 63])),
        Event::UserHalf(user_half(5, turn(1), Outcome::Complete, &[leaf, root])),
        Event::KernelHalf(kernel_half(3, 8, deferred(turn(1)), &[])),
        Event::UserHalf(user_half(6, turn(2), Outcome::NoCfi, &[leaf, made])),
        Event::KernelHalf(kernel_half(4, 8, deferred(turn(4)), &[u64::MAX])),
    ];
    let second = vec![
        Event::KernelHalf(kernel_half(7, 8, deferred(turn(2)), &[])),
        Event::KernelHalf(kernel_half(8, 9, Promise::KernelOnly, &[1 << 63])),
        Event::KernelHalf(kernel_half(9, 9, Promise::Never(Outcome::Exited), &[])),
        Event::KernelHalf(kernel_half(10, 8, deferred(turn(5)), &[])),
    ];
    [first, second]
}

fn named(text: &str) -> Naming {
    let outer = NamedFrame {
        name: FrameName::new(text, NameKind::User),
        location: Some(Location {
            file: "lib.c".into(),
            line: 12,
        }),
    };
    let inner = FrameName::new("inner", NameKind::Inlined);
    Naming::Named(vec![outer, inner.into()])
}

fn name(id: FrameId, frame: Frame) -> (FrameId, Naming) {
    let naming = match frame {
        Frame::File(_, FileOffset(0x10)) => named("leaf"),
        Frame::File(_, offset) => {
            Naming::Unnamed(FrameName::in_file("libtest.so", offset), Unnamed::NoSymbol)
        }
        Frame::Anonymous(..) => Naming::Named(vec![FrameName::new("made", NameKind::Jit).into()]),
        Frame::Kernel(_) => Naming::Named(vec![FrameName::new("sys", NameKind::Kernel).into()]),
        _ => unreachable!("it is written nowhere"),
    };
    (id, naming)
}

fn totals() -> Totals {
    Totals {
        duration: Duration::from_secs(3),
        lost: Lost {
            user_ring: 4,
            ..Lost::default()
        },
        modules_seen: 1,
        ..Totals::default()
    }
}

fn write() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).expect("memory takes everything");
    for (round, events) in events().iter().enumerate() {
        for event in events {
            writer.add(event).expect("memory takes everything");
        }
        let now = Timestamp(BEGAN.0 + 2_000_000_000 * (round as u64 + 1));
        writer.end_round(now).expect("memory takes everything");
    }
    let frames = writer.take_frames();
    let names: Vec<_> = frames.iter().map(|(id, frame)| name(id, frame)).collect();
    writer.add_names(&names).expect("memory takes everything");
    let pending = HashSet::from([Cookie { slot: 9, turn: 4 }]);
    writer
        .finish(&pending, &totals())
        .expect("memory takes everything")
}

fn read(bytes: &[u8]) -> Result<Recording> {
    read_from(Cursor::new(bytes), "it")
}

fn lines(recording: &Recording) -> Vec<String> {
    let filter = Filter::default();
    folded::lines(&Selection::new(
        &recording.profile,
        &recording.names,
        recording.header.began,
        &filter,
    ))
}

/// Check that what was written is read: samples joined, names with lines, counts.
#[test]
fn written_is_read() {
    let recording = read(&write()).expect("it was just written");
    assert_eq!(recording.header, header());
    assert_eq!(recording.totals, totals());
    assert_eq!(recording.cut, None);
    assert_eq!(
        lines(&recording),
        [
            "worker;[exited] 1",
            "worker;[libtest.so+0x2000];leaf;inner_[i] 1",
            "worker;[libtest.so+0x2000];leaf;inner_[i];sys_[k];sys_[k] 2",
            "worker;[lost] 2",
            "worker;[no CFI];made_[j];leaf;inner_[i] 2",
            "worker;[pending];sys_[k] 2",
            "worker;sys_[k] 3",
        ]
    );
    let info = recording
        .profile
        .modules()
        .get(LIBRARY)
        .expect("it is there");
    assert_eq!(info.module, module());
    assert_eq!(info.build_id, Some(BuildId::new(b"build")));
    let times: Vec<_> = recording
        .profile
        .rows()
        .iter()
        .map(|row| row.time)
        .collect();
    assert!(times.is_sorted());
    assert_eq!(recording.tally.own_cost, 1);
    assert_eq!(recording.tally.user_halves, 2);
    let leaf = recording.profile.frames().iter();
    let leaf = leaf.filter(|(_, frame)| *frame == Frame::File(LIBRARY, FileOffset(0x10)));
    for (id, _) in leaf {
        assert_eq!(recording.names.naming(id), Some(named("leaf")));
    }
}

/// Check that a file that ends anywhere is read up to there, and says so, or is refused for
/// having no beginning.
#[test]
fn cut_is_read() {
    let whole = write();
    let mut samples = 0;
    for length in 0..whole.len() {
        match read(&whole[..length]) {
            Ok(recording) => {
                let cut = recording.cut.expect("it is not whole");
                assert!(cut.offset <= length as u64);
                assert!(recording.tally.samples() >= samples, "at {length}");
                samples = recording.tally.samples();
            }
            Err(error) => {
                assert_eq!(samples, 0, "at {length}: {error}");
                assert!(error.to_string().contains("`it`"), "{error}");
            }
        }
    }
    assert!(samples > 0);
}

/// Check that a damaged file is refused with the place where it is, or read up to there.
#[test]
fn damage_is_harmless() {
    Fuzz::of(&[&write()]).with_memory(MEMORY_MAX).run(|bytes| {
        if let Err(error) = read(bytes) {
            assert!(
                error.to_string().starts_with("failed to read `it`"),
                "{error}"
            );
        }
    });
}

/// The content of the compressed frames of a file.
fn unpack(whole: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &whole[MAGIC.len() + size_of_val(&VERSION)..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let size = zstd::zstd_safe::find_frame_compressed_size(rest).expect("it is one");
        frames.push(zstd::decode_all(&rest[..size]).expect("it was just packed"));
        rest = &rest[size..];
    }
    frames
}

fn pack(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    for frame in frames {
        bytes.extend(zstd::encode_all(&frame[..], 1).expect("memory takes everything"));
    }
    bytes
}

/// Check that content that somebody made up, with all checksums right, is refused or read.
#[test]
fn hostile_damage_is_harmless() {
    let whole = unpack(&write());
    let frames: Vec<_> = whole.iter().map(Vec::as_slice).collect();
    let mut at = 0;
    Fuzz::of(&frames).with_memory(MEMORY_MAX).run(|content| {
        let mut frames = whole.clone();
        at = (at + 1) % frames.len();
        frames[at] = content.to_vec();
        if let Ok(recording) = read(&pack(&frames)) {
            // whatever came out can be shown
            let _ = lines(&recording);
        }
    });
}

fn with_entry(kind: Kind) -> Vec<u8> {
    let mut frames = unpack(&write());
    let mut content = Vec::new();
    let entry = Entry { kind: Some(kind) };
    entry
        .encode_length_delimited(&mut content)
        .expect("memory takes everything");
    frames.push(content);
    pack(&frames)
}

/// Check that small files that unpack to much are refused.
#[test]
fn bombs_are_refused() {
    let many = 10_000_000;
    let zeros = format::KernelHalves {
        time: vec![0; many],
        ..Default::default()
    };
    let deep = format::Stacks {
        parent: vec![1; 100_000],
        frame: vec![0; 100_000],
        ..Default::default()
    };
    let deep_half = format::UserHalves {
        time: vec![0],
        stack: vec![100_000],
        ..Default::default()
    };
    for (kind, why) in [
        (Kind::KernelHalves(zeros), "too many samples"),
        (Kind::UserHalves(deep_half), "a stack that is not there"),
    ] {
        let error = read(&with_entry(kind)).expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
    }
    let mut frames = unpack(&with_entry(Kind::Stacks(deep)));
    let half = Entry {
        kind: Some(Kind::UserHalves(format::UserHalves {
            time: vec![0],
            stack: vec![90_000],
            ..Default::default()
        })),
    };
    frames.push(half.encode_length_delimited_to_vec());
    let error = read(&pack(&frames)).expect_err("it is too deep");
    assert!(error.to_string().contains("too deep"), "{error}");
    let length = usize::try_from(FRAME_MAX + 1).expect("it fits");
    let bomb = read(&pack(&[vec![0; length]])).expect_err("it is too large");
    assert!(bomb.to_string().contains("too large"), "{bomb}");
}

/// Check that what is no recording, or one of another version, is told apart.
#[test]
fn others_are_refused() {
    let mut newer = write();
    newer[MAGIC.len()] = 2;
    for (bytes, why) in [
        (&b"PERFILE2 and more of it"[..], "no recording of somno"),
        (b"", "no recording of somno"),
        (&newer, "version 2"),
        (&newer[..MAGIC.len()], "ends in its header"),
    ] {
        let error = read(bytes).expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// Check that a recording of each version of the format stays readable. That of the first
/// is what `write` gave when it was committed.
#[test]
fn versions_stay_readable() {
    let first = include_bytes!("../../assets/recordings/version-1.somno");
    let recording = read(first).expect("it was written by somno");
    assert_eq!(recording.cut, None);
    assert_eq!(
        lines(&recording),
        lines(&read(&write()).expect("so was this"))
    );
}

/// Check that a wait is read with its length, its state, and who ended it.
#[test]
fn waits_are_read() {
    let half = KernelHalf {
        state: TaskState::Uninterruptible,
        weight: Weight(5_000_000),
        event: 1,
        waker: Some(Box::new(Waker {
            pid: Pid(9),
            tid: Tid(10),
            comm: Comm::from("friend"),
            kernel: Box::new([KernelAddress(1 << 63), KernelAddress(u64::MAX)]),
        })),
        ..kernel_half(4, 8, Promise::KernelOnly, &[u64::MAX])
    };
    let header = Header {
        off_cpu_min: Some(Duration::from_micros(100)),
        ..header()
    };
    let mut writer = Writer::new(Vec::new(), &header).expect("memory takes everything");
    for half in [half, kernel_half(5, 8, Promise::KernelOnly, &[])] {
        let event = Event::KernelHalf(half);
        writer.add(&event).expect("memory takes everything");
    }
    let bytes = writer.finish(&HashSet::new(), &totals());
    let recording = read(&bytes.expect("memory takes everything")).expect("it was just written");
    assert_eq!(recording.header, header);
    let rows = recording.profile.rows();
    let waits: Vec<_> = rows.iter().map(|row| (row.state, row.weight.0)).collect();
    assert_eq!(
        waits,
        [
            (TaskState::Uninterruptible, 5_000_000),
            (TaskState::OnCpu, 3)
        ]
    );
    assert_eq!(
        recording.tally.off_cpu(TaskState::Uninterruptible).0,
        5_000_000
    );
    assert_eq!(
        lines(&recording)[1],
        "worker;[kernel+0xffffffffffffffff]_[k];[kernel+0x8000000000000000]_[w];\
         [kernel+0xffffffffffffffff]_[w];friend_[w] 5000000"
    );
}
