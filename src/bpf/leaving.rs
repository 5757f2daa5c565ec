//! The program for tasks that leave, loaded on a thread of its own while libbpf loads the others
//! one by one.
//!
//! The unwinder is in two programs, and to verify these takes the kernel more than half of the
//! time to the first sample. It verifies several at once for who has `CAP_BPF` (`bpf_check`).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::slice;
use std::thread::{self, JoinHandle};

use libbpf_rs::libbpf_sys::{
    BPF_PROG_TYPE_RAW_TRACEPOINT, bpf_func_info, bpf_insn, bpf_line_info, bpf_object__btf_fd,
    bpf_object__prepare, bpf_prog_load, bpf_prog_load_opts, bpf_program__func_info,
    bpf_program__func_info_cnt, bpf_program__line_info, bpf_program__line_info_cnt,
    bpf_raw_tracepoint_open,
};
use libbpf_rs::{AsRawLibbpf as _, OpenObject, OpenProgram};

use crate::error::{Context as _, Error, Result};

const NAME: &CStr = c"on_leaving";
const LICENSE: &CStr = c"Dual MIT/GPL";
const TRACEPOINTS: [&CStr; 2] = [c"sched_process_exit", c"sched_prepare_exec"];

/// The program for tasks that leave, while it is being loaded.
pub(super) struct Loading(JoinHandle<io::Result<OwnedFd>>);

impl Loading {
    /// Makes the object's maps, and begins to load the program, which libbpf has to be told to leave
    /// alone then.
    ///
    /// # Errors
    /// When the kernel refuses a map.
    pub(super) fn begin(object: &OpenObject, program: &OpenProgram<'_>) -> Result<Self> {
        let raw = object.as_libbpf_object();
        // SAFETY: the object is open, and has not been prepared or loaded yet.
        refused(unsafe { bpf_object__prepare(raw.as_ptr()) })
            .context(|| "make the BPF maps".into())?;
        // SAFETY: the object has types, as it was compiled with them.
        let types = unsafe { bpf_object__btf_fd(raw.as_ptr()) };
        let code = Code::of(program, types);
        let thread = thread::Builder::new().name("somno-verifier".to_owned());
        let loading = thread.spawn(move || code.load());
        Ok(Self(loading.context(|| "start a thread".into())?))
    }

    /// Waits for the end of it.
    ///
    /// # Errors
    /// When the kernel refuses the program.
    pub(super) fn end(self) -> Result<OwnedFd> {
        let loaded = self.0.join();
        let loaded = loaded.map_err(|_| Error::failed("failed to load a BPF program: a panic"))?;
        loaded.context(|| "load the BPF program for tasks that leave".into())
    }
}

/// Runs the program at the tracepoints that it is for, until what is returned is closed.
///
/// # Errors
/// When the kernel refuses it.
pub(super) fn attach(program: &OwnedFd) -> Result<Vec<OwnedFd>> {
    let attach = |tracepoint: &CStr| {
        // SAFETY: the name ends in a null byte.
        let link = unsafe { bpf_raw_tracepoint_open(tracepoint.as_ptr(), program.as_raw_fd()) };
        owned(link).context(|| format!("attach to {}", tracepoint.to_string_lossy()))
    };
    TRACEPOINTS.into_iter().map(attach).collect()
}

/// A copy of what libbpf has relocated.
struct Code {
    instructions: Vec<bpf_insn>,
    functions: Vec<bpf_func_info>,
    lines: Vec<bpf_line_info>,
    types: RawFd,
}

impl Code {
    fn of(program: &OpenProgram<'_>, types: RawFd) -> Self {
        let raw = program.as_libbpf_object().as_ptr();
        // SAFETY: the program lives, and each array has as many elements as libbpf says; there is
        // none where that is 0.
        let (functions, lines) = unsafe {
            (
                copied(bpf_program__func_info(raw), bpf_program__func_info_cnt(raw)),
                copied(bpf_program__line_info(raw), bpf_program__line_info_cnt(raw)),
            )
        };
        Self {
            instructions: program.insns().to_vec(),
            functions,
            lines,
            types,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the kernel takes a million instructions at most"
    )]
    fn load(&self) -> io::Result<OwnedFd> {
        let options = bpf_prog_load_opts {
            sz: size_of::<bpf_prog_load_opts>() as u64,
            prog_btf_fd: self.types.cast_unsigned(),
            func_info: self.functions.as_ptr().cast(),
            func_info_cnt: self.functions.len() as u32,
            func_info_rec_size: size_of::<bpf_func_info>() as u32,
            line_info: self.lines.as_ptr().cast(),
            line_info_cnt: self.lines.len() as u32,
            line_info_rec_size: size_of::<bpf_line_info>() as u32,
            ..Default::default()
        };
        // SAFETY: all that is pointed at lives until the call returns.
        let program = unsafe {
            bpf_prog_load(
                BPF_PROG_TYPE_RAW_TRACEPOINT,
                NAME.as_ptr(),
                LICENSE.as_ptr(),
                self.instructions.as_ptr(),
                self.instructions.len() as u64,
                (&raw const options).cast_mut(),
            )
        };
        owned(program)
    }
}

/// # Safety
/// There are so many elements, or none is looked at.
unsafe fn copied<T: Copy>(first: *const T, count: u32) -> Vec<T> {
    if first.is_null() {
        return Vec::new();
    }
    // SAFETY: as above.
    unsafe { slice::from_raw_parts(first, count as usize) }.to_vec()
}

/// A descriptor as libbpf returns it: a negative one is an error's number.
fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    refused(fd)?;
    // SAFETY: it is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn refused(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    Ok(())
}
