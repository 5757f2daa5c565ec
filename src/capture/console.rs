//! A terminal for a command to run on, apart from ours.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::error::{Context as _, Result};

/// Our side of a pseudo-terminal: what is written on the other one comes out here.
#[derive(Debug)]
pub struct Console(OwnedFd);

/// The command's side.
#[derive(Debug)]
pub struct Terminal(OwnedFd);

impl Console {
    /// Makes a terminal of a size.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn open(columns: u16, rows: u16) -> Result<(Self, Terminal)> {
        open(columns, rows).context(|| "open a pseudo-terminal".into())
    }

    /// Gives it another size, of which the command is told.
    pub fn resize(&self, columns: u16, rows: u16) {
        // a command that does not know the size writes lines that are too long
        let _ = set_size(&self.0, columns, rows);
    }

    /// What is written on it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn reader(&self) -> Result<File> {
        let reader = self.0.try_clone().map(File::from);
        reader.context(|| "read the command's terminal".into())
    }
}

impl Terminal {
    /// One more handle of it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn handle(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    /// Makes it the terminal of the calling process, which begins a session of its own;
    /// between fork and exec, so without allocating.
    pub(super) fn adopt(&self) -> io::Result<()> {
        rustix::process::setsid()?;
        Ok(ioctl_tiocsctty(&self.0)?)
    }

    /// Makes it a user's.
    pub(super) fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        std::os::unix::fs::fchown(self.0.as_fd(), Some(uid), Some(gid))
    }
}

fn open(columns: u16, rows: u16) -> rustix::io::Result<(Console, Terminal)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let console = openpt(flags)?;
    grantpt(&console)?;
    unlockpt(&console)?;
    set_size(&console, columns, rows)?;
    let terminal = ioctl_tiocgptpeer(&console, flags)?;
    Ok((Console(console), Terminal(terminal)))
}

fn set_size(console: &OwnedFd, columns: u16, rows: u16) -> rustix::io::Result<()> {
    tcsetwinsize(
        console,
        Winsize {
            ws_col: columns,
            ws_row: rows,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    /// Check that what is written on one side comes out at the other.
    #[test]
    fn output_comes_through() {
        let (console, terminal) = Console::open(80, 24).expect("there are terminals");
        let mut inside = File::from(terminal.handle().expect("there are descriptors"));
        inside.write_all(b"hello").expect("a terminal takes it");
        let mut bytes = [0; 5];
        let mut reader = console.reader().expect("there are descriptors");
        reader.read_exact(&mut bytes).expect("it was written");
        assert_eq!(&bytes, b"hello");
    }
}
