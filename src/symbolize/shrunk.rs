//! Mapped files that become shorter while they are read, which any owner of a file can do: the
//! kernel then sends SIGBUS to who reads behind the end, and that is the end of most.

use std::io;

/// Has pages that a mapped file does not have any more be read as zeros from now on, as if the
/// file had them: parsers refuse what they find there, or it means nothing. Every other SIGBUS
/// ends the process as before.
///
/// # Errors
/// When the kernel takes no handler.
pub fn survive() -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = put_zeros;
    // SAFETY: All bytes of the structure may be zero.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: The handler does nothing but system calls, and is there for as long as the process.
    match unsafe { libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

const PAGE: usize = 4096;

/// Puts a page of zeros where there is none, and has the read that was interrupted go on.
extern "C" fn put_zeros(
    signal: libc::c_int,
    about: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: The kernel gives what SA_SIGINFO promises, and each thread its own errno. The page
    // belongs to a mapping of a file that has none there, so nothing else can be lost.
    unsafe {
        let errno = *libc::__errno_location();
        let is_missing = (*about).si_code == libc::BUS_ADRERR;
        let page = (*about).si_addr().map_addr(|at| at & !(PAGE - 1));
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        if !is_missing || libc::mmap(page, PAGE, libc::PROT_READ, flags, -1, 0) == libc::MAP_FAILED
        {
            // the read is taken again, and this time it ends the process
            libc::signal(signal, libc::SIG_DFL);
        }
        *libc::__errno_location() = errno;
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    /// Check that what a mapped file has no more is read as zeros, and what it has as it is.
    #[test]
    fn shortened_files_can_be_read() {
        survive().expect("the kernel takes a handler");
        let file = tempfile::tempfile().expect("there is room for temporary files");
        let page = PAGE as u64;
        file.set_len(3 * page).expect("there is room");
        std::os::unix::fs::FileExt::write_all_at(&file, b"abc", 0).expect("there is room");
        // SAFETY: A new mapping, of which only bytes are read, while it is there.
        let bytes = unsafe {
            let (prot, flags) = (libc::PROT_READ, libc::MAP_PRIVATE);
            let at = libc::mmap(
                std::ptr::null_mut(),
                3 * PAGE,
                prot,
                flags,
                file.as_raw_fd(),
                0,
            );
            assert_ne!(at, libc::MAP_FAILED);
            at.cast::<u8>()
        };
        file.set_len(page).expect("it is ours");
        // SAFETY: as above
        let read = |at| unsafe { bytes.add(at).read_volatile() };
        assert_eq!([0, PAGE, 2 * PAGE + 7, 2].map(read), *b"a\0\0c");
    }
}
