//! `perf_event_open(2)` and the calls on its descriptors.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use libbpf_rs::libbpf_sys as sys;

use crate::capture::event_name::Selector;
use crate::id::Tid;
use crate::time::Rate;

// include/uapi/linux/perf_event.h
const IOC_ENABLE: libc::c_ulong = 0x2400;
const IOC_DISABLE: libc::c_ulong = 0x2401;
const IOC_SET_BPF: libc::c_ulong = 0x4004_2408;

/// What an event is opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One thread, on whatever CPU.
    Thread(Tid),
    /// One CPU, whatever runs there.
    Cpu(u16),
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
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// Which event.
    pub selector: Selector,
    /// How often.
    pub rate: Rate,
    /// When it begins.
    pub start: Start,
    /// Whether children and threads made later are sampled too.
    pub inherit: bool,
}

/// An open event.
#[derive(Debug)]
pub struct PerfEvent(OwnedFd);

impl PerfEvent {
    /// Opens an event; it does not count yet.
    ///
    /// # Errors
    /// `ESRCH` when the thread is gone; `ENOENT` or `EOPNOTSUPP` when the
    /// machine has no such event; `EACCES` or `EPERM` without the privilege;
    /// `EMFILE` when there are too many descriptors.
    pub fn open(attributes: &Attributes, scope: Scope) -> io::Result<Self> {
        let mut attr = perf_event_attr(attributes, scope);
        let (pid, cpu) = match scope {
            Scope::Thread(tid) => (tid.0.cast_signed(), -1),
            Scope::Cpu(cpu) => (-1, i32::from(cpu)),
        };
        // SAFETY: `attr` is initialised, says its size, and lives through the call.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw mut attr,
                pid,
                cpu,
                -1,
                sys::PERF_FLAG_FD_CLOEXEC,
            )
        };
        let fd = i32::try_from(fd).unwrap_or(-1);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor; nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
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

    fn ioctl(&self, request: libc::c_ulong, argument: libc::c_ulong) -> io::Result<()> {
        // SAFETY: these requests take a number, not a pointer.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), request, argument) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl AsFd for PerfEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn perf_event_attr(attributes: &Attributes, scope: Scope) -> sys::perf_event_attr {
    let mut attr = sys::perf_event_attr {
        size: u32::try_from(size_of::<sys::perf_event_attr>()).expect("it is small"),
        ..Default::default()
    };
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
    }
    match attributes.rate {
        Rate::Frequency(hertz) => {
            attr.__bindgen_anon_1.sample_freq = hertz.get();
            attr.set_freq(1);
        }
        Rate::Period(period) => attr.__bindgen_anon_1.sample_period = period.get(),
    }
    attr.set_disabled(1);
    attr.set_inherit(attributes.inherit.into());
    attr.set_enable_on_exec((attributes.start == Start::AtExec).into());
    // Only where one CPU is looked at can there be nothing to sample.
    attr.set_exclude_idle(matches!(scope, Scope::Cpu(_)).into());
    attr
}
