//! Writes a recording while it is made: whole frames only, so that what was written can
//! be read whatever becomes of the rest.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use prost::Message as _;
use rustc_hash::FxHashMap;
use zstd::bulk::Compressor;

use super::block::{Block, index};
use super::format::{self, Entry, Kind, MAGIC, VERSION};
use super::tables::DEFINITIONS;
use crate::event::{BuildId, Event, KernelHalf, TaskNotice, UserFrame, UserHalf};
use crate::id::{CgroupId, Cookie, EnvironmentId, ModuleId};
use crate::profile::frames::{Frame, FrameId, FrameTable};
use crate::profile::header::Header;
use crate::profile::modules::ModuleInfo;
use crate::profile::names::{Kind as NameKind, NamedFrame, Naming, Unnamed};
use crate::profile::stacks::{StackId, StackTable};
use crate::profile::threads::{Thread, ThreadId, ThreadTable};
use crate::profile::totals::Totals;
use crate::time::Timestamp;

/// How hard to compress: zstd's default.
const LEVEL: i32 = 3;
/// Samples and notices of a frame: at 20,000 a second there are several a second.
const ROWS: usize = 8192;
/// How long samples wait before they are written, in nanoseconds: with a round of reading
/// and the writing less than a second.
const PATIENCE: u64 = 750_000_000;
/// Stacks that are remembered; beyond that they are all written anew. Some 32 MB.
const STACKS: usize = 1 << 20;
/// Threads beyond which one that was not sampled is not told of any more, so that a day of short
/// processes takes some 30 MB: they are counted all the same.
const THREADS: usize = 1 << 18;
/// Symbols of a frame.
const SYMBOLS: usize = 4096;

/// Bytes of new names of a frame.
const STRING_BYTES: usize = 1 << 20;

/// A recording that is being written.
pub struct Writer<W> {
    to: W,
    compressor: Compressor<'static>,
    block: Block,
    written_at: Timestamp,
    frames: FrameTable,
    stacks: StackTable,
    threads: ThreadTable,
    /// Modules that are defined when a frame in them is.
    expected: FxHashMap<ModuleId, ModuleInfo>,
    /// Cgroups that are defined when a thread in them is.
    expected_cgroups: FxHashMap<CgroupId, String>,
    strings: FxHashMap<Arc<str>, u32>,
    symbols: format::Symbols,
    string_bytes: usize,
    bytes: u64,
}

impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn new(mut to: W, header: &Header) -> io::Result<Self> {
        to.write_all(&MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        let mut block = Block::new(header.began);
        block.entry(Kind::Header(header.into()));
        let mut writer = Self {
            to,
            compressor,
            block,
            written_at: header.began,
            frames: FrameTable::default(),
            stacks: StackTable::default(),
            threads: ThreadTable::default(),
            expected: FxHashMap::default(),
            expected_cgroups: FxHashMap::default(),
            strings: FxHashMap::default(),
            symbols: format::Symbols::default(),
            string_bytes: 0,
            bytes: (MAGIC.len() + size_of_val(&VERSION)) as u64,
        };
        writer.flush()?;
        Ok(writer)
    }

    /// Takes notice of a module that was met before the recording began; it is written when
    /// a frame is in it.
    pub fn expect(&mut self, info: &ModuleInfo) {
        self.expected.insert(info.module.id, info.clone());
    }

    /// Takes notice of a cgroup that was met before the recording began; it is written when a
    /// thread is in it.
    pub fn expect_cgroup(&mut self, id: CgroupId, path: &str) {
        self.expected_cgroups.insert(id, path.into());
    }

    /// Takes an event; it is written by [`Self::end_round`], if not before.
    ///
    /// # Errors
    /// Whatever the writer gives; when the recording has as much as one may have.
    pub fn add(&mut self, event: &Event) -> io::Result<()> {
        if self.block.is_full() {
            self.flush()?;
        }
        if self.threads.len().max(self.frames.len()) >= DEFINITIONS {
            return Err(io::Error::other(
                "it has as many threads or frames as a recording may; --rotate begins new ones",
            ));
        }
        match event {
            Event::KernelHalf(half) => self.add_kernel_half(half),
            Event::UserHalf(half) => self.add_user_half(half),
            Event::Module(module) => self.block.entry(Kind::Module(module.into())),
            Event::BuildId(notice) => match self.expected.get_mut(&notice.module) {
                Some(info) => info.build_id = Some(notice.build_id.clone()),
                None => self.build_id(notice.module, &notice.build_id),
            },
            Event::Cgroup(cgroup) => self.cgroup(cgroup.id, cgroup.path.clone()),
            Event::Variable(variable) => self.block.entry(Kind::Variable(variable.into())),
            // They become names before the recording ends.
            Event::Symbols(_) => {}
            Event::Task(notice) => self.add_notice(notice),
        }
        Ok(())
    }

    /// Ends a round of reading: halves that belong together were added, or will be in
    /// the next rounds. Writes what is enough or old enough.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn end_round(&mut self, now: Timestamp) -> io::Result<()> {
        if self.block.rows() < ROWS && now.0.saturating_sub(self.written_at.0) < PATIENCE {
            return Ok(());
        }
        self.written_at = now;
        self.flush_with(Some(Kind::RoundEnd(format::RoundEnd {})))?;
        if self.stacks.len() > STACKS {
            self.stacks = StackTable::default();
            self.block.reset_stacks();
        }
        Ok(())
    }

    /// The distinct frames, by the numbers that they have in the file; no sample is to
    /// come any more.
    #[must_use]
    pub fn take_frames(&mut self) -> FrameTable {
        std::mem::take(&mut self.frames)
    }

    /// Bytes that were written, of whole frames.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes what frames are called.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn add_names(&mut self, names: &[(FrameId, Naming)]) -> io::Result<()> {
        for (id, naming) in names {
            let symbol = self.symbol(*id, naming);
            self.symbols.symbols.push(symbol);
            if self.symbols.symbols.len() >= SYMBOLS || self.string_bytes >= STRING_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Ends the recording, and gives back what it was written to.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn finish(mut self, pending: &HashSet<Cookie>, totals: &Totals) -> io::Result<W> {
        self.flush()?;
        self.block.entry(Kind::Pending(format::Pending {
            slot: pending.iter().map(|cookie| cookie.slot).collect(),
            turn: pending.iter().map(|cookie| cookie.turn).collect(),
        }));
        self.block.entry(Kind::Totals(totals.into()));
        self.flush()?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn add_kernel_half(&mut self, half: &KernelHalf) {
        let thread = self.thread(Thread {
            pid: half.pid,
            tid: half.tid,
            comm: half.comm,
            cgroup: half.cgroup,
            environment: half.environment,
        });
        let frames = half.kernel.iter().rev();
        let stack = self.stack(frames.map(|&address| Frame::Kernel(address)));
        let waker = half.waker.as_ref().map(|waker| {
            let thread = self.thread(Thread {
                pid: waker.pid,
                tid: waker.tid,
                comm: waker.comm,
                cgroup: CgroupId::UNKNOWN,
                environment: EnvironmentId::NONE,
            });
            let frames = waker.kernel.iter().rev();
            (
                thread,
                self.stack(frames.map(|&address| Frame::Kernel(address))),
            )
        });
        self.block.kernel_half(half, (thread, stack), waker);
    }

    fn add_user_half(&mut self, half: &UserHalf) {
        let frame = |&frame: &UserFrame| Frame::of_user(half.pid, half.process_start, frame);
        let stack = self.stack(half.frames.iter().rev().map(frame));
        self.block.user_half(half, stack);
    }

    fn add_notice(&mut self, notice: &TaskNotice) {
        let thread = Thread {
            pid: notice.pid,
            tid: notice.tid,
            comm: notice.comm,
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId::NONE,
        };
        if self.threads.len() < THREADS {
            let thread = self.thread(thread);
            self.block.notice(notice, thread);
        }
    }

    fn thread(&mut self, thread: Thread) -> ThreadId {
        let known = self.threads.len();
        let id = self.threads.intern(thread);
        if id.index() == known {
            if let Some(path) = self.expected_cgroups.remove(&thread.cgroup) {
                self.cgroup(thread.cgroup, path);
            }
            self.block.entry(Kind::Thread((&thread).into()));
        }
        id
    }

    fn cgroup(&mut self, id: CgroupId, path: String) {
        self.block
            .entry(Kind::Cgroup(format::Cgroup { id: id.0, path }));
    }

    fn stack(&mut self, frames: impl Iterator<Item = Frame>) -> StackId {
        let mut stack = StackId::ROOT;
        for frame in frames {
            let known = self.frames.len();
            let leaf = self.frames.intern(frame);
            if leaf.index() == known {
                self.define_module(frame);
                self.block.frame(frame);
            }
            let parent = stack;
            let known = self.stacks.len();
            stack = self.stacks.intern(parent, leaf);
            if stack.index() > known {
                self.block.stack(stack, parent, leaf);
            }
        }
        stack
    }

    /// Defines the module of a frame, where that is expected.
    fn define_module(&mut self, frame: Frame) {
        if let Frame::File(module, _) = frame
            && let Some(info) = self.expected.remove(&module)
        {
            let module = Kind::Module((&info.module).into());
            self.block.entry(module);
            if let Some(build_id) = &info.build_id {
                self.build_id(info.module.id, build_id);
            }
        }
    }

    fn build_id(&mut self, module: ModuleId, build_id: &BuildId) {
        self.block.entry(Kind::BuildId(format::BuildId {
            module: module.0,
            build_id: build_id.as_bytes().to_vec(),
        }));
    }

    fn symbol(&mut self, id: FrameId, naming: &Naming) -> format::Symbol {
        let (unnamed, names) = match naming {
            Naming::Named(names) => {
                let names = names.iter().map(|named| self.name(named));
                (0, names.collect())
            }
            Naming::Unnamed(place, reason) => {
                let position = Unnamed::ALL.iter().position(|other| other == reason);
                let reason = index(position.expect("all of them are in the list")) + 1;
                (reason, vec![self.name(&place.clone().into())])
            }
        };
        format::Symbol {
            frame: index(id.index()),
            unnamed,
            names,
        }
    }

    fn name(&mut self, named: &NamedFrame) -> format::Name {
        let location = named.location.as_ref();
        format::Name {
            text: self.string(named.name.text()),
            kind: match named.name.kind() {
                NameKind::User | NameKind::Reason => 0,
                NameKind::Inlined => 1,
                NameKind::Jit => 2,
                NameKind::Kernel | NameKind::Waker => 3,
            },
            file: location.map_or(0, |location| self.string(&location.file) + 1),
            line: location.map_or(0, |location| location.line),
        }
    }

    fn string(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.strings.get(text) {
            return known;
        }
        let id = index(self.strings.len());
        self.strings.insert(text.into(), id);
        self.symbols.strings.push(text.into());
        self.string_bytes += text.len();
        id
    }

    /// Writes what there is, as one compressed frame.
    ///
    /// # Errors
    /// Whatever the writer gives.
    pub fn flush(&mut self) -> io::Result<()> {
        self.flush_with(None)
    }

    /// Writes what there is, if anything, and then this.
    fn flush_with(&mut self, last: Option<Kind>) -> io::Result<()> {
        let mut entries = self.block.take();
        if !self.symbols.symbols.is_empty() {
            entries.push(Kind::Symbols(std::mem::take(&mut self.symbols)));
            self.string_bytes = 0;
        }
        if entries.is_empty() {
            return Ok(());
        }
        let mut content = Vec::new();
        for kind in entries.into_iter().chain(last) {
            let entry = Entry { kind: Some(kind) };
            entry.encode_length_delimited(&mut content)?;
        }
        let frame = self.compressor.compress(&content)?;
        self.to.write_all(&frame)?;
        self.bytes += frame.len() as u64;
        Ok(())
    }
}
