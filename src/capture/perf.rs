//! `perf_event_open(2)` and the calls on its descriptors.

use std::ffi::CString;
use std::io;
use std::mem::size_of;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use libbpf_rs::libbpf_sys as sys;

use crate::capture::event_name::Selector;
use crate::id::Tid;
use crate::privileges::{Use, in_effect};
use crate::time::Rate;

// include/uapi/linux/perf_event.h
const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;
const IOC_SET_BPF: libc::c_ulong = 0x4004_2408;

/// What an event is opened on.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// One thread, on whatever CPU.
    Thread(Tid),
    /// One CPU, whatever runs there.
    Cpu(u16),
    /// One CPU, while a task of this cgroup, an open directory, or of one below it runs there.
    Cgroup(BorrowedFd<'a>, u16),
}

/// A tracepoint or uprobe, as the kernel calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenPoint {
    /// The tracepoint's number.
    Tracepoint(u64),
    /// A place in a file.
    Uprobe {
        /// The number of the kernel's event type.
        kind: u32,
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
    },
}

impl OpenPoint {
    /// Opens it, for whoever comes by: a program that is attached runs from then on.
    ///
    /// # Errors
    /// As [`PerfEvent::open`]; `EINVAL` where there is no instruction.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let mut attr = empty_attr();
        let path;
        match self {
            Self::Tracepoint(id) => {
                attr.type_ = sys::PERF_TYPE_TRACEPOINT;
                attr.config = *id;
            }
            Self::Uprobe {
                kind,
                path: file,
                offset,
            } => {
                path = CString::new(file.as_os_str().as_bytes())?;
                attr.type_ = *kind;
                attr.__bindgen_anon_3.uprobe_path = path.as_ptr() as u64;
                attr.__bindgen_anon_4.probe_offset = *offset;
            }
        }
        // one CPU has to be named, and 0 cannot be taken offline
        open(&mut attr, -1, 0, sys::PERF_FLAG_FD_CLOEXEC)
    }
}

/// When an event begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// When [`PerfEvent::enable`] is called.
    ByCall,
    /// When the thread executes a program.
    AtExec,
}

/// How an event is opened.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// Which event.
    pub selector: Selector,
    /// Its position among the session's events.
    pub position: u8,
    /// How often.
    pub rate: Rate,
    /// When it begins.
    pub start: Start,
    /// Whether children and threads made later are sampled too.
    pub inherit: bool,
}

/// What an event has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Events; nanoseconds, for a clock.
    pub count: u64,
    /// For how long it was enabled; of a cgroup's, while that ran.
    pub enabled_ns: u64,
    /// For how long it was meant to count. A clock that counted less was throttled.
    pub running_ns: u64,
}

impl Reading {
    /// Samples that a clock of this period (in nanoseconds) would have given had it not been stopped.
    #[must_use]
    pub fn throttled(self, period_ns: u64) -> u64 {
        self.running_ns.saturating_sub(self.count) / period_ns.max(1)
    }
}

/// An open event.
#[derive(Debug)]
pub struct PerfEvent {
    fd: OwnedFd,
    /// The only CPU that it is on, if there is one.
    cpu: Option<u16>,
    /// Of a clock whose time is known, after how many nanoseconds it fires.
    clock_period_ns: Option<u64>,
}

impl PerfEvent {
    /// Opens an event; it does not count yet.
    ///
    /// # Errors
    /// `ESRCH` when the thread is gone; `ENOENT` or `EOPNOTSUPP` when the
    /// machine has no such event; `EACCES` or `EPERM` without the privilege;
    /// `EMFILE` when there are too many descriptors.
    pub fn open(attributes: &Attributes, scope: Scope<'_>) -> io::Result<Self> {
        let mut attr = perf_event_attr(attributes, scope);
        let cloexec = sys::PERF_FLAG_FD_CLOEXEC;
        let (pid, cpu, flags) = match scope {
            Scope::Thread(tid) => (tid.0.cast_signed(), -1, cloexec),
            Scope::Cpu(cpu) => (-1, i32::from(cpu), cloexec),
            Scope::Cgroup(directory, cpu) => (
                directory.as_raw_fd(),
                i32::from(cpu),
                cloexec | sys::PERF_FLAG_PID_CGROUP,
            ),
        };
        let fd = open(&mut attr, pid, cpu, flags)?;
        // how long that of a cgroup was meant to count, the kernel does not tell: its time may
        // be that since the machine was started
        let is_clock = attributes.selector.is_clock() && !matches!(scope, Scope::Cgroup(..));
        let cpu = match scope {
            Scope::Thread(_) => None,
            Scope::Cpu(cpu) | Scope::Cgroup(_, cpu) => Some(cpu),
        };
        Ok(Self {
            fd,
            cpu,
            clock_period_ns: is_clock.then(|| attributes.rate.clock_period_ns()),
        })
    }

    /// The only CPU that it is on, if there is one.
    #[must_use]
    pub fn cpu(&self) -> Option<u16> {
        self.cpu
    }

    /// Finds out whether such an event can be opened here.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn probe(selector: &Selector) -> io::Result<()> {
        let attributes = Attributes {
            selector: selector.clone(),
            position: 0,
            rate: Rate::Frequency(NonZeroU64::MIN),
            start: Start::ByCall,
            inherit: false,
        };
        let _capturing = in_effect(Use::Capture);
        Self::open(&attributes, Scope::Thread(Tid(0))).map(drop)
    }

    /// Has a BPF program run at each sample, without enabling the event as
    /// libbpf's own attach would, and without a second descriptor for a link.
    ///
    /// # Errors
    /// When the kernel refuses the program.
    pub fn set_program(&self, program: BorrowedFd<'_>) -> io::Result<()> {
        self.ioctl(
            IOC_SET_BPF,
            libc::c_ulong::from(program.as_raw_fd().cast_unsigned()),
        )
    }

    /// Lets it count, its inherited copies too.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn enable(&self) -> io::Result<()> {
        self.ioctl(IOC_ENABLE, 0)
    }

    /// Stops it, its inherited copies too.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn disable(&self) -> io::Result<()> {
        self.ioctl(IOC_DISABLE, 0)
    }

    /// Reads what it and its inherited copies have counted.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn read(&self) -> io::Result<Reading> {
        let mut bytes = [0; 24];
        let len = rustix::io::read(&self.fd, &mut bytes)?;
        let word = |index: usize| {
            let bytes = bytes[index * 8..][..8].try_into().expect("it is 8 bytes");
            u64::from_ne_bytes(bytes)
        };
        if len != bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Reading {
            count: word(0),
            enabled_ns: word(1),
            running_ns: word(2),
        })
    }

    /// Samples that the kernel held back because they took too much of a CPU's
    /// time. Only a clock tells: a hardware counter that is stopped looks like
    /// one with nothing to count.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        let reading = self.clock_period_ns.zip(self.read().ok());
        reading.map_or(0, |(period_ns, reading)| reading.throttled(period_ns))
    }

    fn ioctl(&self, request: libc::c_ulong, argument: libc::c_ulong) -> io::Result<()> {
        // SAFETY: these requests take a number, not a pointer.
        let result = unsafe { libc::ioctl(self.fd.as_raw_fd(), request, argument) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl AsFd for PerfEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open(attr: &mut sys::perf_event_attr, pid: i32, cpu: i32, flags: u32) -> io::Result<OwnedFd> {
    // SAFETY: `attr` is initialised, says its size, and lives through the call; so does what
    // it points to.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_mut(attr),
            pid,
            cpu,
            -1,
            flags,
        )
    };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn empty_attr() -> sys::perf_event_attr {
    sys::perf_event_attr {
        size: u32::try_from(size_of::<sys::perf_event_attr>()).expect("it is small"),
        ..Default::default()
    }
}

fn perf_event_attr(attributes: &Attributes, scope: Scope<'_>) -> sys::perf_event_attr {
    let mut attr = empty_attr();
    match attributes.selector {
        Selector::Counter { kind, config } => {
            attr.type_ = kind;
            attr.config = config;
        }
        Selector::Memory {
            address,
            len,
            access,
        } => {
            attr.type_ = sys::PERF_TYPE_BREAKPOINT;
            attr.bp_type = access;
            attr.__bindgen_anon_3.bp_addr = address;
            attr.__bindgen_anon_4.bp_len = len;
        }
        Selector::Point(_) => unreachable!("a place is opened for everybody"),
    }
    match attributes.rate {
        Rate::Frequency(hertz) => {
            attr.__bindgen_anon_1.sample_freq = hertz.get();
            attr.set_freq(1);
        }
        Rate::Period(period) => attr.__bindgen_anon_1.sample_period = period.get(),
    }
    // The kernel keeps it for whoever is sent a signal by an event, which nobody is here.
    attr.sig_data = attributes.position.into();
    // PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING
    attr.read_format = 1 | 2;
    attr.set_disabled(1);
    attr.set_inherit(attributes.inherit.into());
    attr.set_enable_on_exec((attributes.start == Start::AtExec).into());
    // Only where one CPU is looked at can there be nothing to sample.
    attr.set_exclude_idle((!matches!(scope, Scope::Thread(_))).into());
    attr
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that only time in which the clock stood counts as throttled.
    #[test]
    fn throttling_is_missing_time() {
        for (count, running_ns, samples) in [
            (2_000_000, 2_000_400, 0),
            (2_000_400, 2_000_000, 0),
            (1_000_000, 2_000_000, 10),
        ] {
            let reading = Reading {
                count,
                enabled_ns: running_ns,
                running_ns,
            };
            assert_eq!(reading.throttled(100_000), samples);
        }
    }
}
