//! Destinations: found to be writable before sampling, written after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::fchown;
use std::path::{Path, PathBuf};

use super::sudo_caller_ids;
use crate::config::output::Destination;
use crate::error::{Context as _, Error, Result};

/// A destination that can be written.
#[derive(Debug)]
pub struct Output {
    /// `None`: standard output.
    file: Option<(File, PathBuf)>,
    /// Whether the file was made for this: it goes again when nothing is written.
    created: bool,
}

impl Output {
    /// Opens a destination; what a file holds stays until [`Output::write`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(destination: &Destination) -> Result<Self> {
        match destination {
            Destination::Stdout => Ok(Self {
                file: None,
                created: false,
            }),
            Destination::File(path) => {
                let (file, created) = open_or_create(path)
                    .context(|| format!("open `{}` for writing", path.display()))?;
                Ok(Self {
                    file: Some((file, path.clone())),
                    created,
                })
            }
            Destination::New(stem, extension) => Self::create_new(stem, extension),
        }
    }

    /// Makes a file that is not there yet; none where it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Option<Self>> {
        match File::create_new(path) {
            Ok(file) => {
                give_to_caller(&file);
                Ok(Some(Self {
                    file: Some((file, path.to_owned())),
                    created: true,
                }))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error).context(|| format!("create `{}`", path.display())),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.file {
            None => "standard output".into(),
            Some((_, path)) => path.display().to_string(),
        }
    }

    /// Whether it is a file, which can be read again.
    #[must_use]
    pub fn is_file(&self) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(|(file, _)| file.metadata().is_ok_and(|metadata| metadata.is_file()))
    }

    /// Empties a file, to write to it as long as there is something to be written; none
    /// where it is no file.
    #[must_use]
    pub fn as_stream(&self) -> Option<io::Result<File>> {
        let (file, _) = self.file.as_ref().filter(|_| self.is_file())?;
        Some(truncate(file).and_then(|()| file.try_clone()))
    }

    /// Leaves what was streamed where it is.
    pub fn keep(mut self) {
        self.created = false;
    }

    /// Writes everything, and returns how many bytes that was. A reader that
    /// went away has seen what it wanted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(mut self, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<u64> {
        let name = self.name();
        let result = match &mut self.file {
            None => write_counted(io::stdout().lock(), content),
            Some((file, _)) => truncate(file).and_then(|()| write_counted(file, content)),
        };
        // What could not be written whole goes again, unless it was there before.
        self.created &= result.is_err();
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            other => other.context(|| format!("write `{name}`")),
        }
    }

    fn create_new(stem: &str, extension: &str) -> Result<Self> {
        let names = std::iter::once(format!("{stem}.{extension}"))
            .chain((1..10_000).map(|number| format!("{stem}.{number}.{extension}")));
        for name in names {
            let created = Self::create(Path::new(&name));
            let created =
                created.map_err(|error| error.with_hint("name a file elsewhere: -o FILE"))?;
            if let Some(output) = created {
                return Ok(output);
            }
        }
        Err(Error::failed(format!(
            "failed to find a free name: {stem}.{extension} and 9,999 more exist"
        )))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.created
            && let Some((_, path)) = &self.file
        {
            // Nothing was written: at worst an empty file stays.
            let _ = fs::remove_file(path);
        }
    }
}

/// Opens a file, and tells whether it was made.
fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    match File::create_new(path) {
        Ok(file) => {
            give_to_caller(&file);
            Ok((file, true))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut options = OpenOptions::new();
            let file = options
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            Ok((file, false))
        }
        Err(error) => Err(error),
    }
}

/// Under sudo a new file is that of whoever called it.
fn give_to_caller(file: &File) {
    if let Some((uid, gid)) = sudo_caller_ids()
        && rustix::process::geteuid().is_root()
    {
        // where that cannot be, root has it, as any program under sudo
        let _ = fchown(file, Some(uid), Some(gid));
    }
}

/// A device or a pipe has no length to cut.
fn truncate(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(())
}

fn write_counted(
    to: impl Write,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<u64> {
    let mut counting = Counting {
        to: BufWriter::new(to),
        bytes: 0,
    };
    content(&mut counting)?;
    counting.flush()?;
    Ok(counting.bytes)
}

struct Counting<W: Write> {
    to: BufWriter<W>,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
