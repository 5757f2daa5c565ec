//! Names of things that are numbers.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A process. Linux calls it a thread group.
    Pid(u32)
);
number!(
    /// A thread. Linux calls it a process.
    Tid(u32)
);
number!(
    /// A logical CPU.
    Cpu(u16)
);
number!(
    /// A file that code was mapped from, as the kernel side numbered it.
    ModuleId(u32)
);
number!(
    /// A cgroup, as its hierarchy numbers them.
    CgroupId(u64)
);
number!(
    /// Of a process, the environment that one of the programs that it ran was started with.
    EnvironmentId(u64)
);

impl ModuleId {
    /// The code that the kernel maps into every process, which no file backs.
    pub const VDSO: Self = Self(1);
}

impl CgroupId {
    /// It is not known.
    pub const UNKNOWN: Self = Self(0);
}

impl EnvironmentId {
    /// None was asked for, or it is a thread of the kernel.
    pub const NONE: Self = Self(0);
}

/// What joins a user half to its kernel halves: a slot and how often it was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie {
    /// The slot that the task held.
    pub slot: u32,
    /// Which of the slot's claims it was.
    pub turn: u32,
}
