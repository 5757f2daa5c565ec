//! What the messages of a recording defined, and from it what happened.

use std::rc::Rc;

use super::block::{
    DEFERRED, EXECED, EXITED, FORKED, IN_ANONYMOUS, IN_KERNEL, IN_NMI, KERNEL_ONLY, NEVER,
    OWN_COST, RENAMED,
};
use super::columns::{Summer, at};
use super::format::{self, Kind};
use super::reader::{Item, Result, bad};
use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::event::{
    BuildId, CgroupPath, Comm, Event, KernelHalf, ModuleBuildId, Outcome, Promise, TaskChange,
    TaskNotice, TaskState, UserHalf, Waker, Weight,
};
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::profile::frames::Frame;
use crate::profile::names::{FrameName, Kind as NameKind, Location, NamedFrame, Naming, Unnamed};
use crate::profile::threads::Thread;
use crate::time::{ProcessStart, Timestamp};

/// Frames, stacks, threads and strings that may be defined, each.
pub(super) const DEFINITIONS: usize = 1 << 23;
/// Bytes of all texts together: names, paths, variables.
const TEXT_BYTES: usize = 256 << 20;
/// What a module, cgroup or variable takes besides.
const ENTRY: usize = 256;
/// Samples and notices of one compressed frame; more are not written.
const ROWS: usize = 2 * super::block::ROWS_MAX;
/// Frames of all of their stacks together.
const DEPTHS: usize = 2 * super::block::DEPTHS_MAX;
/// Frames of one stack: more than any kernel takes.
const DEPTH: u16 = 2048;
/// Slots that a capture may have, and the number that stands for none.
const SLOTS: u32 = 1 << 16;
const NO_SLOT: u32 = u32::MAX;

/// A stack that was defined.
#[derive(Clone, Copy, Debug)]
struct Stack {
    /// The number of its callers'.
    parent: u32,
    /// The number of its leaf.
    frame: u32,
    /// How many frames it has.
    depth: u16,
}

/// What was defined so far.
#[derive(Debug)]
pub(super) struct Tables {
    began: Timestamp,
    threads: Vec<Thread>,
    frames: Vec<Frame>,
    stacks: Vec<Stack>,
    strings: Vec<Rc<str>>,
    text_bytes: usize,
    rows_left: usize,
    depths_left: usize,
}

impl Tables {
    /// Makes the tables of a recording that began then.
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            threads: Vec::new(),
            frames: Vec::new(),
            stacks: Vec::new(),
            strings: Vec::new(),
            text_bytes: 0,
            rows_left: ROWS,
            depths_left: DEPTHS,
        }
    }

    /// Takes notice that what follows is in another compressed frame.
    pub(super) fn begin_frame(&mut self) {
        self.rows_left = ROWS;
        self.depths_left = DEPTHS;
    }

    /// Reads one message.
    pub(super) fn read(&mut self, entry: Kind, sink: &mut dyn FnMut(Item)) -> Result<()> {
        match entry {
            Kind::Header(_) => return bad("it has two headers"),
            Kind::Module(module) => {
                self.take_text(ENTRY + module.path.len())?;
                sink(Item::Event(Event::Module(module.into())));
            }
            Kind::BuildId(notice) => {
                self.take_text(ENTRY + notice.build_id.len())?;
                sink(Item::Event(Event::BuildId(ModuleBuildId {
                    module: ModuleId(notice.module),
                    build_id: BuildId::new(&notice.build_id),
                })));
            }
            Kind::Thread(thread) => {
                check_room(self.threads.len(), 1)?;
                self.threads.push(thread.into());
            }
            Kind::Frames(frames) => self.read_frames(&frames)?,
            Kind::Stacks(stacks) => self.read_stacks(&stacks, sink)?,
            Kind::KernelHalves(halves) => self.read_kernel_halves(&halves, sink)?,
            Kind::UserHalves(halves) => self.read_user_halves(&halves, sink)?,
            Kind::Notices(notices) => self.read_notices(&notices, sink)?,
            Kind::Symbols(symbols) => self.read_symbols(symbols, sink)?,
            Kind::RoundEnd(_) => sink(Item::RoundEnd),
            Kind::Pending(pending) => {
                let cookies = pending.slot.iter().zip(&pending.turn);
                let cookies = cookies.map(|(&slot, &turn)| Cookie { slot, turn });
                sink(Item::Pending(cookies.collect()));
            }
            Kind::Cgroup(cgroup) => {
                self.take_text(ENTRY + cgroup.path.len())?;
                sink(Item::Event(Event::Cgroup(CgroupPath {
                    id: CgroupId(cgroup.id),
                    path: cgroup.path,
                })));
            }
            Kind::Variable(variable) => {
                self.take_text(ENTRY + variable.name.len() + variable.value.len())?;
                sink(Item::Event(Event::Variable(variable.into())));
            }
            Kind::Totals(totals) => sink(Item::Totals(Box::new(totals.into()))),
        }
        Ok(())
    }

    /// Takes from what all texts together may have.
    fn take_text(&mut self, len: usize) -> Result<()> {
        self.text_bytes += len;
        if self.text_bytes > TEXT_BYTES {
            return bad("its names are too long");
        }
        Ok(())
    }

    fn read_frames(&mut self, frames: &format::Frames) -> Result<()> {
        check_room(self.frames.len(), frames.place.len())?;
        let mut offset = Summer::default();
        let mut owners = frames.pid.iter().zip(&frames.process_start);
        for (&place, &difference) in frames.place.iter().zip(&frames.offset) {
            let offset = offset.next(difference);
            let frame = match place {
                IN_KERNEL => Frame::Kernel(KernelAddress(offset)),
                IN_ANONYMOUS => match owners.next() {
                    Some((&pid, &start)) => {
                        Frame::Anonymous(Pid(pid), ProcessStart(start), UserAddress(offset))
                    }
                    None => return bad("a frame has no process"),
                },
                module => Frame::File(ModuleId(module - 1), FileOffset(offset)),
            };
            self.frames.push(frame);
        }
        Ok(())
    }

    fn read_stacks(&mut self, stacks: &format::Stacks, sink: &mut dyn FnMut(Item)) -> Result<()> {
        if stacks.reset {
            self.stacks.clear();
            sink(Item::StacksReset);
        }
        check_room(self.stacks.len(), stacks.parent.len())?;
        let mut frame = 0_u32;
        for (&before, &difference) in stacks.parent.iter().zip(&stacks.frame) {
            frame = frame.wrapping_add_signed(difference);
            let own = self.stacks.len() + 1;
            let parent = own.checked_sub(before as usize);
            match parent {
                Some(parent) if before > 0 && (frame as usize) < self.frames.len() => {
                    let depth = 1 + self.depth(parent);
                    if depth > DEPTH {
                        return bad("a stack is too deep");
                    }
                    let parent = u32::try_from(parent).expect("there are fewer definitions");
                    self.stacks.push(Stack {
                        parent,
                        frame,
                        depth,
                    });
                    sink(Item::Stack(parent, self.frames[frame as usize]));
                }
                _ => return bad("a stack refers to what is not there"),
            }
        }
        Ok(())
    }

    /// How many frames a stack has.
    fn depth(&self, stack: usize) -> u16 {
        let index = stack.checked_sub(1);
        index.map_or(0, |index| self.stacks[index].depth)
    }

    /// Gives the frames of a stack, leaf first.
    fn each_frame(&mut self, stack: u64, sink: &mut dyn FnMut(Frame)) -> Result<()> {
        let mut at = usize::try_from(stack).unwrap_or(usize::MAX);
        while at > 0 {
            let Some(&Stack { parent, frame, .. }) = self.stacks.get(at - 1) else {
                return bad("a sample refers to a stack that is not there");
            };
            if self.depths_left == 0 {
                return bad("its stacks are too deep");
            }
            self.depths_left -= 1;
            sink(self.frames[frame as usize]);
            at = parent as usize;
        }
        Ok(())
    }

    /// Those in the kernel.
    fn kernel_frames(&mut self, stack: u32) -> Result<Box<[KernelAddress]>> {
        let mut addresses = Vec::with_capacity(self.depth_of(stack));
        self.each_frame(stack.into(), &mut |frame| {
            addresses.extend(kernel_address(frame));
        })?;
        Ok(addresses.into())
    }

    /// How deep a stack is, if it is there.
    fn depth_of(&self, stack: u32) -> usize {
        let index = (stack as usize).checked_sub(1);
        let stack = index.and_then(|index| self.stacks.get(index));
        stack.map_or(0, |stack| stack.depth.into())
    }

    fn thread(&self, id: u32) -> Result<Thread> {
        match self.threads.get(id as usize) {
            Some(thread) => Ok(*thread),
            None => bad("a sample refers to a thread that is not there"),
        }
    }

    /// Takes from what one compressed frame may hold.
    fn take_rows(&mut self, rows: usize) -> Result<()> {
        match self.rows_left.checked_sub(rows) {
            Some(left) => {
                self.rows_left = left;
                Ok(())
            }
            None => bad("a frame has too many samples"),
        }
    }

    fn read_kernel_halves(
        &mut self,
        halves: &format::KernelHalves,
        sink: &mut dyn FnMut(Item),
    ) -> Result<()> {
        self.take_rows(halves.time.len())?;
        let mut time = Summer::from(self.began.0);
        let mut turn = Summer::default();
        for (row, &difference) in halves.time.iter().enumerate() {
            let time = Timestamp(time.next(difference));
            let Some(mut half) = kernel_half(halves, row, time, &mut turn) else {
                return bad("a column of samples is too short, or a value impossible");
            };
            let thread = self.thread(at(&halves.thread, row).unwrap_or(u32::MAX))?;
            half.pid = thread.pid;
            half.tid = thread.tid;
            half.comm = thread.comm;
            half.cgroup = thread.cgroup;
            half.environment = thread.environment;
            half.kernel = self.kernel_frames(at(&halves.stack, row).unwrap_or(u32::MAX))?;
            half.waker = self.waker(halves, row)?.map(Box::new);
            sink(Item::Event(Event::KernelHalf(half)));
        }
        Ok(())
    }

    fn waker(&mut self, halves: &format::KernelHalves, row: usize) -> Result<Option<Waker>> {
        let Some(thread) = at(&halves.waker, row).unwrap_or(0).checked_sub(1) else {
            return Ok(None);
        };
        let thread = self.thread(thread)?;
        let kernel = self.kernel_frames(at(&halves.waker_stack, row).unwrap_or(u32::MAX))?;
        Ok(Some(Waker {
            pid: thread.pid,
            tid: thread.tid,
            comm: thread.comm,
            kernel,
        }))
    }

    fn read_user_halves(
        &mut self,
        halves: &format::UserHalves,
        sink: &mut dyn FnMut(Item),
    ) -> Result<()> {
        self.take_rows(halves.time.len())?;
        let mut sums = UserSums::from(self.began);
        for row in 0..halves.time.len() {
            let Some((half, stack)) = sums.half(halves, row) else {
                return bad("a column of user stacks is too short, or a value impossible");
            };
            let stack = u32::try_from(stack).unwrap_or(u32::MAX);
            if stack as usize > self.stacks.len() {
                return bad("a sample refers to a stack that is not there");
            }
            sink(Item::UserHalf(half, stack));
        }
        Ok(())
    }

    fn read_notices(
        &mut self,
        notices: &format::Notices,
        sink: &mut dyn FnMut(Item),
    ) -> Result<()> {
        self.take_rows(notices.time.len())?;
        let mut time = Summer::from(self.began.0);
        let mut parents = notices.parent.iter();
        let rows = notices.time.iter().zip(&notices.thread).zip(&notices.what);
        for ((&difference, &thread), &what) in rows {
            let time = Timestamp(time.next(difference));
            let thread = self.thread(thread)?;
            let what = match what {
                FORKED => TaskChange::Forked(Pid(parents.next().copied().unwrap_or_default())),
                EXECED => TaskChange::Execed,
                RENAMED => TaskChange::Renamed,
                EXITED => TaskChange::Exited,
                _ => continue,
            };
            sink(Item::Event(Event::Task(TaskNotice {
                time,
                pid: thread.pid,
                tid: thread.tid,
                comm: thread.comm,
                what,
            })));
        }
        Ok(())
    }

    fn read_symbols(&mut self, symbols: format::Symbols, sink: &mut dyn FnMut(Item)) -> Result<()> {
        check_room(self.strings.len(), symbols.strings.len())?;
        for string in symbols.strings {
            self.take_text(string.len())?;
            self.strings.push(string.into());
        }
        for symbol in symbols.symbols {
            let Some(&frame) = self.frames.get(symbol.frame as usize) else {
                return bad("a name is for a frame that is not there");
            };
            let names = symbol.names.iter().map(|name| self.name(name));
            let names = names.collect::<Result<Vec<_>>>()?;
            sink(Item::Name(frame, naming(symbol.unnamed, names)?));
        }
        Ok(())
    }

    fn name(&self, name: &format::Name) -> Result<NamedFrame> {
        let kind = match name.kind {
            1 => NameKind::Inlined,
            2 => NameKind::Jit,
            3 => NameKind::Kernel,
            _ => NameKind::User,
        };
        let location = match name.file.checked_sub(1) {
            None => None,
            Some(file) => Some(Location {
                file: self.string(file)?.to_string().into(),
                line: name.line,
            }),
        };
        Ok(NamedFrame {
            name: FrameName::new(&self.string(name.text)?, kind),
            location,
        })
    }

    fn string(&self, id: u32) -> Result<Rc<str>> {
        match self.strings.get(id as usize) {
            Some(string) => Ok(Rc::clone(string)),
            None => bad("a name refers to a text that is not there"),
        }
    }
}

fn check_room(defined: usize, more: usize) -> Result<()> {
    if defined + more > DEFINITIONS {
        return bad("it defines too much");
    }
    Ok(())
}

fn kernel_address(frame: Frame) -> Option<KernelAddress> {
    match frame {
        Frame::Kernel(address) => Some(address),
        _ => None,
    }
}

fn cookie(slot: u32, turn: u64) -> Option<Cookie> {
    let turn = u32::try_from(turn).ok()?;
    (slot < SLOTS || slot == NO_SLOT).then_some(Cookie { slot, turn })
}

fn outcome(code: u32) -> Option<Outcome> {
    Outcome::ALL.get(code as usize).copied()
}

/// A row, but for its thread and its stack.
fn kernel_half(
    halves: &format::KernelHalves,
    row: usize,
    time: Timestamp,
    turn: &mut Summer,
) -> Option<KernelHalf> {
    let cookie = cookie(at(&halves.slot, row)?, turn.next(at(&halves.turn, row)?))?;
    let flags = at(&halves.flags, row)?;
    Some(KernelHalf {
        time,
        cpu: Cpu(u16::try_from(at(&halves.cpu, row)?).ok()?),
        pid: Pid(0),
        tid: Tid(0),
        comm: Comm::from(""),
        cgroup: CgroupId::UNKNOWN,
        environment: EnvironmentId::NONE,
        weight: Weight(at(&halves.weight, row)?.wrapping_add(1)),
        event: u8::try_from(at(&halves.event, row)?).ok()?,
        state: *TaskState::ALL.get(at(&halves.state, row)? as usize)?,
        promise: match at(&halves.promise, row)? {
            DEFERRED => Promise::Deferred(cookie),
            KERNEL_ONLY => Promise::KernelOnly,
            code => Promise::Never(outcome(code - NEVER)?),
        },
        own_cost: flags & OWN_COST != 0,
        in_nmi: flags & IN_NMI != 0,
        kernel: Box::default(),
        waker: None,
    })
}

/// The sums of the columns of user halves.
#[derive(Debug)]
struct UserSums {
    time: Summer,
    pid: Summer,
    tid: Summer,
    process_start: Summer,
    turn: Summer,
    stack: Summer,
}

impl UserSums {
    fn from(began: Timestamp) -> Self {
        Self {
            time: Summer::from(began.0),
            pid: Summer::default(),
            tid: Summer::default(),
            process_start: Summer::default(),
            turn: Summer::default(),
            stack: Summer::default(),
        }
    }

    /// A row, but for its frames, and the number of its stack.
    fn half(&mut self, halves: &format::UserHalves, row: usize) -> Option<(UserHalf, u64)> {
        let number = |value: u64| u32::try_from(value).ok();
        let turn = self.turn.next(at(&halves.turn, row)?);
        let half = UserHalf {
            cookie: cookie(at(&halves.slot, row)?, turn)?,
            time: Timestamp(self.time.next(at(&halves.time, row)?)),
            pid: Pid(number(self.pid.next(at(&halves.pid, row)?))?),
            tid: Tid(number(self.tid.next(at(&halves.tid, row)?))?),
            process_start: ProcessStart(self.process_start.next(at(&halves.process_start, row)?)),
            outcome: outcome(at(&halves.outcome, row)?)?,
            leaving: at(&halves.leaving, row)? != 0,
            cost_ns: at(&halves.cost_ns, row)?,
            slept: at(&halves.slept, row)?,
            frames: Box::default(),
        };
        Some((half, self.stack.next(at(&halves.stack, row)?)))
    }
}

/// What a reason's number says of a frame with these names.
fn naming(code: u32, mut names: Vec<NamedFrame>) -> Result<Naming> {
    let Some(reason) = code.checked_sub(1) else {
        return Ok(Naming::Named(names));
    };
    match (Unnamed::ALL.get(reason as usize), names.pop()) {
        (Some(&reason), Some(place)) => Ok(Naming::Unnamed(place.name, reason)),
        _ => bad("a frame has neither name nor reason"),
    }
}
