//! Where a recording is while it is made: in the file that was asked for, or else in one
//! without a name, from which the outputs are made.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, Write};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::command::output::Output;
use crate::error::{Context as _, Error, Result};
use crate::recording::{self, Recording};
use crate::report::summary;

/// A recording that is being made.
#[derive(Debug)]
pub(super) struct Storage {
    file: File,
    /// The first output that asked for a recording; the others are copies.
    output: Option<Output>,
    name: String,
}

impl Storage {
    /// Takes the first output that is a file, or makes a file without a name.
    pub(super) fn new(output: Option<Output>) -> Result<Self> {
        let stream = output.as_ref().and_then(Output::as_stream);
        let (file, output) = match stream {
            Some(file) => (file.context(|| "prepare the output".into())?, output),
            None => (nameless().context(|| "make a temporary file".into())?, None),
        };
        let name = output.as_ref().map(Output::name);
        Ok(Self {
            file,
            output,
            name: name.unwrap_or_else(|| "a temporary file".into()),
        })
    }

    /// A handle to write with.
    pub(super) fn writer(&self) -> Result<File> {
        self.file
            .try_clone()
            .context(|| "write the recording".into())
    }

    /// What is said of a file that could not be written to its end; what is in it stays.
    pub(super) fn cut(self, error: &io::Error, whole: u64, duration: Duration) -> Error {
        let said = Error::failed(format!("failed to write `{}`: {error}", self.name));
        if self.leave(whole) {
            said.with_hint(format!(
                "it can be read, and ends after {}",
                summary::duration(duration)
            ))
        } else {
            said
        }
    }

    /// Leaves what is whole of it where it is, if it has a name; tells whether it can be read.
    pub(super) fn leave(self, whole: u64) -> bool {
        // Half a frame at the end is of no use to anybody.
        let cut = self.file.set_len(whole);
        let kept = self.output.map(Output::keep);
        cut.is_ok() && kept.is_some()
    }

    /// The name that it is to stay by, with its bytes.
    pub(super) fn keep(&mut self) -> Option<(String, u64)> {
        self.output.take()?.keep();
        let bytes = self.file.metadata().map_or(0, |metadata| metadata.len());
        Some((self.name.clone(), bytes))
    }

    /// Reads it whole.
    pub(super) fn read(&self) -> Result<Recording> {
        let again = self.reopen();
        let again = again.context(|| format!("read `{}`", self.name))?;
        recording::read_from(BufReader::new(again), &self.name)
    }

    /// Copies it.
    pub(super) fn copy(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut from = self.reopen()?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(()),
                count => to.write_all(&buffer[..count])?,
            }
        }
    }

    /// The same file, with a position of its own.
    fn reopen(&self) -> io::Result<File> {
        let mut file = File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        file.rewind()?;
        Ok(file)
    }
}

/// A file that goes with its last descriptor; in memory where there is no directory for it.
fn nameless() -> io::Result<File> {
    tempfile::tempfile().or_else(|error| {
        let flags = MemfdFlags::CLOEXEC;
        memfd_create("recording", flags)
            .map(File::from)
            .map_err(|_| error)
    })
}
