//! What happens while sampling: the one type between whoever captures or reads and whoever stitches.

use crate::addr::{FileOffset, KernelAddress, UserAddress};
use crate::error::Result;
use crate::id::{CgroupId, Cookie, Cpu, EnvironmentId, ModuleId, Pid, Tid};
use crate::time::{ProcessStart, Timestamp};

/// Something that was captured.
#[derive(Clone, Debug)]
pub enum Event {
    /// A sample was taken.
    KernelHalf(KernelHalf),
    /// A user stack was read.
    UserHalf(UserHalf),
    /// A file was seen for the first time.
    Module(Module),
    /// What a file calls itself was read.
    BuildId(ModuleBuildId),
    /// Symbols of a file that may not be opened in time are being read.
    Symbols(ModuleSymbols),
    /// A task that is followed did something.
    Task(TaskNotice),
    /// A cgroup was seen for the first time.
    Cgroup(CgroupPath),
    /// A variable that was asked for was read.
    Variable(Variable),
}

/// Where events come from: a live session or a recording.
pub trait EventSource {
    /// Hands over what there is.
    ///
    /// When it returns, everything that was written before the call began has
    /// been handed over.
    ///
    /// # Errors
    /// When the source cannot be read.
    fn read_events(&mut self, sink: &mut dyn FnMut(Event)) -> Result<()>;
}

/// How user stacks are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the task, where it may sleep.
    Deferred,
    /// In the interrupt, by frame pointers: the kernel is too old.
    Interrupt,
}

/// How the user stack of a sample follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A user half with this cookie serves it.
    Deferred(Cookie),
    /// There is none: a kernel thread or idle.
    KernelOnly,
    /// There is none, for this reason.
    Never(Outcome),
}

/// The interrupt's part of a sample.
#[derive(Clone, Debug)]
pub struct KernelHalf {
    /// When it was taken; of an interval off the CPU, when that ended.
    pub time: Timestamp,
    /// Where the CPU was.
    pub cpu: Cpu,
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// The thread's name at this moment.
    pub comm: Comm,
    /// Its cgroup at this moment.
    pub cgroup: CgroupId,
    /// The environment of its program.
    pub environment: EnvironmentId,
    /// How many samples, or nanoseconds, it stands for.
    pub weight: Weight,
    /// Which of the session's events, by position.
    pub event: u8,
    /// What the task was doing.
    pub state: TaskState,
    /// How its user stack follows.
    pub promise: Promise,
    /// Whether the interrupt hit somno's own callback.
    pub own_cost: bool,
    /// Whether it was taken in a non-maskable interrupt.
    pub in_nmi: bool,
    /// The kernel stack, leaf first; empty in user mode.
    pub kernel: Box<[KernelAddress]>,
    /// Who ended the interval off the CPU, where that was asked for and is known.
    pub waker: Option<Box<Waker>>,
}

/// What ran where and when a task was woken. In an interrupt that is whoever was interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waker {
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// Its name.
    pub comm: Comm,
    /// The kernel stack, leaf first; empty where kernel frames are left out.
    pub kernel: Box<[KernelAddress]>,
}

/// What the task of a sample was doing; for how long, its weight says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// It ran.
    #[default]
    OnCpu,
    /// It waited, and a signal would have ended that.
    Interruptible,
    /// It waited, for a disk mostly.
    Uninterruptible,
    /// It could have run, but another task did.
    Preempted,
    /// It was stopped: by a signal, a debugger, or a freezer.
    Stopped,
}

impl TaskState {
    /// Every state, in the order of their numbers in recordings.
    pub const ALL: [Self; 5] = [
        Self::OnCpu,
        Self::Interruptible,
        Self::Uninterruptible,
        Self::Preempted,
        Self::Stopped,
    ];
}

/// The task's part of one or more samples.
#[derive(Clone, Debug)]
pub struct UserHalf {
    /// What joins it to its kernel halves.
    pub cookie: Cookie,
    /// When it was finished.
    pub time: Timestamp,
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// When the process started.
    pub process_start: ProcessStart,
    /// How the unwinding ended.
    pub outcome: Outcome,
    /// Whether an exit or exec had begun: later samples of it may carry the same cookie.
    pub leaving: bool,
    /// What it cost, in nanoseconds.
    pub cost_ns: u32,
    /// Reads that had to fault and got their data.
    pub slept: u32,
    /// The stack, leaf first.
    pub frames: Box<[UserFrame]>,
}

/// A place in a process's code. For a caller it lies in the call instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserFrame {
    /// In a file.
    File(ModuleId, FileOffset),
    /// In anonymous memory.
    Anonymous(UserAddress),
}

/// How a user stack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It reached the thread's first frame.
    Complete,
    /// No unwind information and no believable frame pointer.
    NoCfi,
    /// Unwind information that contradicts itself or passes a bound.
    BadCfi,
    /// A frame-pointer chain that left the stack or did not move up.
    BrokenChain,
    /// Memory that is not there, even with sleeping.
    Unreadable,
    /// The depth limit was reached.
    TooDeep,
    /// The task was past giving up its memory.
    Exited,
    /// The program was replaced between the halves.
    Exec,
    /// Still in the kernel when sampling stopped.
    Pending,
    /// The user half was lost.
    Lost,
    /// Taken by frame pointers in the interrupt, on a kernel that cannot defer.
    Interrupt,
}

impl Outcome {
    /// Every outcome, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::Complete,
        Self::NoCfi,
        Self::BadCfi,
        Self::BrokenChain,
        Self::Unreadable,
        Self::TooDeep,
        Self::Exited,
        Self::Exec,
        Self::Pending,
        Self::Lost,
        Self::Interrupt,
    ];

    /// The frame that says why a stack stopped short, where it did.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Complete | Self::Interrupt => None,
            Self::NoCfi => Some("[no CFI]"),
            Self::BadCfi => Some("[bad CFI]"),
            Self::BrokenChain => Some("[broken chain]"),
            Self::Unreadable => Some("[unreadable stack]"),
            Self::TooDeep => Some("[too deep]"),
            Self::Exited => Some("[exited]"),
            Self::Exec => Some("[exec]"),
            Self::Pending => Some("[pending]"),
            Self::Lost => Some("[lost]"),
        }
    }
}

/// A file that code was mapped from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its number in this session.
    pub id: ModuleId,
    /// Which file it is.
    pub identity: FileIdentity,
    /// The path as the process saw it.
    pub path: Vec<u8>,
    /// Whether the file had no name any more.
    pub deleted: bool,
    /// A process that has it mapped.
    pub pid: Pid,
    /// Where that process has it mapped: start and end.
    pub mapped: (UserAddress, UserAddress),
}

/// What tells one file from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The device, as the kernel has it inside.
    pub device: u32,
    /// The inode's number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: u64,
}

/// The build id of a module, as the process that runs it has it in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleBuildId {
    /// The module, which was met before.
    pub module: ModuleId,
    /// Its build id.
    pub build_id: BuildId,
}

/// What a linker calls its output: a hash of the content, of any length up to 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildId(Box<[u8]>);

impl BuildId {
    /// Takes the content of the note.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Returns the content of the note.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for BuildId {
    /// In hexadecimal, as tools show it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Something of a module's symbols, as the process that runs it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSymbols {
    /// The module, which was met before.
    pub module: ModuleId,
    /// What of them.
    pub what: SymbolPart,
}

/// A part of captured symbols. Whatever is in it, a process may have made it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolPart {
    /// What will come.
    Tables(SymbolTables),
    /// Bytes of a table, from an offset on; some may never come.
    Bytes(SymbolTable, u64, Box<[u8]>),
}

/// Two tables of an ELF file, and how its places become the addresses in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolTables {
    /// Bytes of the symbols.
    pub symbols_size: u64,
    /// Bytes of their names.
    pub strings_size: u64,
    /// Whether they end before the file's do.
    pub cut: bool,
    /// Whether functions that are not exported are among them.
    pub with_local: bool,
    /// The loaded segments.
    pub segments: Box<[Segment]>,
}

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolTable {
    /// Of `Elf64_Sym`.
    Symbols,
    /// Of names, each ended by a zero byte.
    Strings,
}

/// A loaded segment: what a file has at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it is in the file.
    pub offset: FileOffset,
    /// Its bytes there.
    pub size: u64,
    /// The address that the file gives it.
    pub address: u64,
}

/// Where a cgroup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupPath {
    /// Its number.
    pub id: CgroupId,
    /// From the root of its hierarchy on, as `/proc/PID/cgroup` has it.
    pub path: String,
}

/// A variable of a process's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The process.
    pub pid: Pid,
    /// Which environment of it.
    pub environment: EnvironmentId,
    /// What it is called.
    pub name: String,
    /// Its value; what is not UTF-8 is replaced, and `…` stands for what was too long.
    pub value: String,
}

/// A followed task did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskNotice {
    /// When.
    pub time: Timestamp,
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// The thread's name afterwards.
    pub comm: Comm,
    /// What it did.
    pub what: TaskChange,
}

/// What a task did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskChange {
    /// It was created, by this process.
    Forked(Pid),
    /// It runs another program.
    Execed,
    /// It was renamed.
    Renamed,
    /// It is gone.
    Exited,
}

/// How many samples, or nanoseconds, something stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(pub u64);

impl std::ops::AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        // a recording may say anything
        self.0 = self.0.saturating_add(other.0);
    }
}

impl std::iter::Sum for Weight {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), |mut sum, weight| {
            sum += weight;
            sum
        })
    }
}

/// A thread's name: up to 15 bytes of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Comm([u8; 16]);

impl Comm {
    /// Takes the kernel's zero-terminated name.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the name as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self.as_bytes()).into_owned()
    }

    /// Returns the name as it is, without its end.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        &self.0[..end]
    }
}

impl From<&[u8]> for Comm {
    /// Cuts the name to what a thread may have.
    fn from(name: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let len = name.len().min(15);
        bytes[..len].copy_from_slice(&name[..len]);
        Self(bytes)
    }
}

impl From<&str> for Comm {
    /// Cuts the name to what a thread may have.
    fn from(name: &str) -> Self {
        Self::from(name.as_bytes())
    }
}
