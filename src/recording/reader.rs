//! Reads a recording. Whatever is in the file, it takes bounded memory and ends in a
//! bounded time: a compressed frame is at most `FRAME_MAX` bytes, and nothing refers to
//! what was not defined before.

use std::collections::HashSet;
use std::io::{self, BufRead, Read};

use prost::Message as _;
use prost::bytes::Buf;

use super::format::{Entry, FRAME_MAX, Kind, MAGIC, VERSION};
use super::tables::Tables;
use crate::event::{Event, UserHalf};
use crate::id::Cookie;
use crate::profile::frames::Frame;
use crate::profile::header::Header;
use crate::profile::names::Naming;
use crate::profile::totals::Totals;
use crate::time::Timestamp;

/// zstd's window, as a power of two: somno's are smaller, and a decoder allocates it.
const WINDOW_LOG: u32 = 24;
/// What a recording holds.
#[derive(Clone, Debug)]
pub enum Item {
    /// Something that happened; no user half.
    Event(Event),
    /// A user half without its frames, and the number of its stack.
    UserHalf(UserHalf, u32),
    /// The next stack: the number of its callers', and its leaf. The first is number 1.
    Stack(u32, Frame),
    /// The numbers of stacks begin again.
    StacksReset,
    /// Whoever recorded had read everything that was there.
    RoundEnd,
    /// What a place in code is called.
    Name(Frame, Naming),
    /// Callbacks that had not run when sampling stopped.
    Pending(HashSet<Cookie>),
    /// The last item of a recording that is whole.
    Totals(Box<Totals>),
}

/// Why a file cannot be read further.
#[derive(Debug)]
pub enum ReadError {
    /// It ends in the middle: the frame that begins there is not whole.
    Cut,
    /// It is no recording, or what is in the frame that begins there is not possible.
    Bad(String),
    /// The system gave an error.
    Io(io::Error),
}

/// Reads items, a compressed frame at a time.
pub struct Reader<R> {
    from: Counting<R>,
    header: Header,
    tables: Tables,
}

pub(super) type Result<T, E = ReadError> = std::result::Result<T, E>;

pub(super) fn bad<T>(what: &str) -> Result<T> {
    Err(ReadError::Bad(what.into()))
}

impl<R: BufRead> Reader<R> {
    /// Reads the beginning of a recording.
    ///
    /// # Errors
    /// When it is none, or its header is cut.
    pub fn new(from: R) -> Result<Self> {
        let mut from = Counting { from, offset: 0 };
        let mut magic = [0; MAGIC.len()];
        let mut version = [0; size_of_val(&VERSION)];
        let begin = from
            .read_exact(&mut magic)
            .and_then(|()| from.read_exact(&mut version));
        match begin {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(ReadError::Io(error));
            }
            _ if magic != MAGIC => return bad("it is no recording of somno"),
            Err(_) => return Err(ReadError::Cut),
            Ok(()) => {}
        }
        let version = u32::from_le_bytes(version);
        if version != VERSION {
            return bad(&format!(
                "its format is version {version}, and this somno reads version {VERSION}"
            ));
        }
        let entries = match from.frame()? {
            Some(content) => entries(&content)?,
            None => return Err(ReadError::Cut),
        };
        match <[Kind; 1]>::try_from(entries) {
            Ok([Kind::Header(header)]) => Ok(Self {
                tables: Tables::new(Timestamp(header.began)),
                header: header.into(),
                from,
            }),
            _ => bad("it does not begin with a header"),
        }
    }

    /// What is known from before the first sample.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the frame begins that is read next, in bytes from the start of the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.from.offset
    }

    /// Reads the items of the next frame; tells whether there was one.
    ///
    /// # Errors
    /// When it is cut, damaged or impossible; [`Self::offset`] is still where it begins.
    pub fn next_items(&mut self, sink: &mut dyn FnMut(Item)) -> Result<bool> {
        let began = self.from.offset;
        let read = match self.from.frame() {
            Ok(None) => return Ok(false),
            Ok(Some(content)) => entries(&content).and_then(|entries| {
                self.tables.begin_frame();
                let mut entries = entries.into_iter();
                entries.try_for_each(|entry| self.tables.read(entry, sink))
            }),
            Err(error) => Err(error),
        };
        if read.is_err() {
            self.from.offset = began;
        }
        read.map(|()| true)
    }
}

/// A source, and how much of it was used.
#[derive(Debug)]
struct Counting<R> {
    from: R,
    offset: u64,
}

impl<R: BufRead> Counting<R> {
    /// Reads and unpacks one compressed frame; none at the end.
    fn frame(&mut self) -> Result<Option<Vec<u8>>> {
        if self.fill_buf().map_err(ReadError::Io)?.is_empty() {
            return Ok(None);
        }
        let mut content = Vec::new();
        let read = zstd::Decoder::with_buffer(&mut *self).and_then(|decoder| {
            let mut decoder = decoder.single_frame();
            decoder.window_log_max(WINDOW_LOG)?;
            decoder.take(FRAME_MAX + 1).read_to_end(&mut content)
        });
        match read {
            Ok(_) if content.len() as u64 > FRAME_MAX => bad("a frame is too large"),
            Ok(_) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ReadError::Cut),
            Err(error) if error.raw_os_error().is_some() => Err(ReadError::Io(error)),
            Err(error) => bad(&format!("it cannot be unpacked: {error}")),
        }
    }
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.offset += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.from.consume(count);
        self.offset += count as u64;
    }
}

/// The entries of a frame. Those of kinds to come are skipped.
fn entries(mut content: &[u8]) -> Result<Vec<Kind>> {
    let mut entries = Vec::new();
    while content.has_remaining() {
        let entry = Entry::decode_length_delimited(&mut content);
        match entry {
            Ok(entry) => entries.extend(entry.kind),
            Err(error) => return bad(&format!("a message cannot be decoded: {error}")),
        }
    }
    Ok(entries)
}
