//! `jit-PID.dump`: code that a process made at run time, with its name and its time.
//!
//! The format is `tools/perf/Documentation/jitdump-specification.txt`. Of its records two
//! say where named code is: one that it was loaded, one that it was moved.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::rc::Rc;

use super::wanted::Wanted;
use crate::addr::UserAddress;
use crate::time::Timestamp;

const MAGIC: u32 = 0x4a69_5444;
/// Times are the processor's counter, not the monotonic clock.
const ARCH_TIMESTAMP: u64 = 1;

const CODE_LOAD: u32 = 0;
const CODE_MOVE: u32 = 1;
const CODE_CLOSE: u32 = 3;

const RECORD_HEADER: u64 = 16;
const LOAD_FIXED: u64 = 40;
const MOVE_FIXED: u64 = 48;

/// Records that are read; a dump of a day has a million.
const RECORDS_MAX: usize = 1 << 24;
/// Bytes of a name; what is longer is cut.
const NAME_MAX: u64 = 4 << 10;
/// Functions that are remembered in case they move. No program is known that moves any.
const MOVABLE_MAX: usize = 1 << 16;

/// Names what the dump has, as it was at a time.
///
/// # Errors
/// When it is no dump of this processor's byte order, or cannot be read on; what was read
/// before counts. An end in the midst of a record is none: the process may be writing.
pub fn read(dump: impl Read + Seek, until: Timestamp, wanted: &mut Wanted) -> io::Result<()> {
    let mut reader = Reader {
        input: BufReader::new(dump),
        until: None,
        movable: HashMap::new(),
        wanted,
    };
    match reader.read_all(until) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        result => result,
    }
}

struct Reader<'a, R> {
    input: BufReader<R>,
    /// Later records are passed over, where times can be compared.
    until: Option<Timestamp>,
    movable: HashMap<u64, Rc<str>>,
    wanted: &'a mut Wanted,
}

impl<R: Read + Seek> Reader<'_, R> {
    fn read_all(&mut self, until: Timestamp) -> io::Result<()> {
        if self.word()? != MAGIC {
            return Err(ErrorKind::InvalidData.into());
        }
        let _version = self.word()?;
        let size = self.word()?;
        let [_machine, _padding, _pid] = [self.word()?, self.word()?, self.word()?];
        let _time = self.long()?;
        let flags = self.long()?;
        self.until = (flags & ARCH_TIMESTAMP == 0).then_some(until);
        self.skip(u64::from(size).saturating_sub(40))?;
        for _ in 0..RECORDS_MAX {
            if !self.read_record()? {
                break;
            }
        }
        Ok(())
    }

    /// Reads a record; tells whether another may follow.
    fn read_record(&mut self) -> io::Result<bool> {
        let kind = self.word()?;
        let size = u64::from(self.word()?);
        let time = Timestamp(self.long()?);
        let Some(body) = size.checked_sub(RECORD_HEADER) else {
            return Ok(false);
        };
        let too_late = self.until.is_some_and(|until| time > until);
        let taken = match kind {
            CODE_CLOSE => return Ok(false),
            CODE_LOAD if !too_late && body >= LOAD_FIXED => self.load(body)?,
            CODE_MOVE if !too_late && body >= MOVE_FIXED => self.moved()?,
            _ => 0,
        };
        self.skip(body - taken)?;
        Ok(true)
    }

    /// Takes a function that was loaded, and returns how many bytes that took.
    fn load(&mut self, body: u64) -> io::Result<u64> {
        let [_pid_tid, _vma] = [self.long()?, self.long()?];
        let (start, size) = (UserAddress(self.long()?), self.long()?);
        let index = self.long()?;
        let mut name = Vec::new();
        let room = NAME_MAX.min(body - LOAD_FIXED);
        let taken = (&mut self.input).take(room).read_until(0, &mut name)?;
        if name.last() == Some(&0) {
            name.pop();
        }
        let name: Rc<str> = String::from_utf8_lossy(&name).into();
        if !name.is_empty() {
            self.wanted.give(start, size, &name);
            if self.movable.len() < MOVABLE_MAX {
                self.movable.insert(index, name);
            }
        }
        Ok(LOAD_FIXED + taken as u64)
    }

    fn moved(&mut self) -> io::Result<u64> {
        let [_pid_tid, _vma, _from] = [self.long()?, self.long()?, self.long()?];
        let (to, size) = (UserAddress(self.long()?), self.long()?);
        let index = self.long()?;
        if let Some(name) = self.movable.get(&index) {
            self.wanted.give(to, size, name);
        }
        Ok(MOVE_FIXED)
    }

    fn word(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.input.read_exact(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn long(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.input.read_exact(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// A record is less than 4 GiB.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.input.seek_relative(bytes.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::fuzz::Fuzz;

    const NOW: u64 = 100;

    fn header(flags: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [MAGIC, 1, 40, 62, 0, 7] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        for long in [0, flags] {
            bytes.extend_from_slice(&u64::to_ne_bytes(long));
        }
        bytes
    }

    fn record(kind: u32, time: u64, longs: &[u64], tail: &[u8]) -> Vec<u8> {
        let size = 16 + longs.len() * 8 + tail.len();
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&u32::try_from(size).expect("small").to_ne_bytes());
        for long in [time].iter().chain(longs) {
            bytes.extend_from_slice(&long.to_ne_bytes());
        }
        bytes.extend_from_slice(tail);
        bytes
    }

    fn load(time: u64, start: u64, index: u64, name: &str) -> Vec<u8> {
        let tail = [name.as_bytes(), b"\0", &[0x90; 0x10]].concat();
        record(CODE_LOAD, time, &[7, start, start, 0x10, index], &tail)
    }

    fn name_in(dump: &[u8], address: u64) -> Option<String> {
        let mut wanted = Wanted::new([UserAddress(address)]);
        let _ = read(Cursor::new(dump), Timestamp(NOW), &mut wanted);
        wanted.name(UserAddress(address)).map(str::to_owned)
    }

    /// Check that the last function that was loaded at an address by then names it.
    #[test]
    fn latest_load_wins() {
        let dump = [
            header(0),
            load(1, 0x100, 0, "old"),
            record(2, 2, &[0x100, 0], b"lines of another kind"),
            load(3, 0x100, 1, "new"),
            load(NOW, 0x200, 2, "just now"),
            load(NOW + 1, 0x100, 3, "too late"),
            load(4, 0x300, 4, ""),
        ]
        .concat();
        assert_eq!(name_in(&dump, 0x10f).as_deref(), Some("new"));
        assert_eq!(name_in(&dump, 0x200).as_deref(), Some("just now"));
        assert_eq!(name_in(&dump, 0x110), None);
        assert_eq!(name_in(&dump, 0x300), None);
    }

    /// Check that times of another clock are not compared.
    #[test]
    fn other_clocks_are_not_compared() {
        let dump = [header(ARCH_TIMESTAMP), load(u64::MAX, 0x100, 0, "whenever")].concat();
        assert_eq!(name_in(&dump, 0x100).as_deref(), Some("whenever"));
    }

    /// Check that a function that moved is known at both places, and that nothing is read
    /// behind the end.
    #[test]
    fn moves_are_followed() {
        let dump = [
            header(0),
            load(1, 0x100, 9, "mover"),
            record(CODE_MOVE, 2, &[7, 0x200, 0x100, 0x200, 0x10, 9], &[]),
            record(CODE_MOVE, 2, &[7, 0x300, 0x100, 0x300, 0x10, 8], &[]),
            record(CODE_CLOSE, 3, &[], &[]),
            load(4, 0x100, 10, "behind the end"),
        ]
        .concat();
        assert_eq!(name_in(&dump, 0x100).as_deref(), Some("mover"));
        assert_eq!(name_in(&dump, 0x20f).as_deref(), Some("mover"));
        assert_eq!(name_in(&dump, 0x300), None);
    }

    /// Check that what is no dump is an error, and a cut one is not.
    #[test]
    fn cut_dumps_are_read() {
        let whole = [header(0), load(1, 0x100, 0, "f"), load(2, 0x200, 1, "g")].concat();
        for len in 0..whole.len() {
            let mut wanted = Wanted::new([UserAddress(0x100)]);
            let dump = Cursor::new(&whole[..len]);
            read(dump, Timestamp(NOW), &mut wanted).expect("a cut dump is one");
        }
        let mut wanted = Wanted::new([UserAddress(0x100)]);
        let other = Cursor::new(b"\x7fELF and more");
        read(other, Timestamp(NOW), &mut wanted).expect_err("no dump");
    }

    /// Check that no damage does anything but change names.
    #[test]
    fn damage_is_harmless() {
        let dump = [
            header(0),
            load(1, 0x100, 9, "f"),
            record(CODE_MOVE, 2, &[7, 0x200, 0x100, 0x200, 0x10, 9], &[]),
            record(CODE_CLOSE, 3, &[], &[]),
        ]
        .concat();
        Fuzz::of(&[&dump]).run(|dump| {
            let name = name_in(dump, 0x200).unwrap_or_default();
            assert!(name.len() as u64 <= 3 * NAME_MAX, "{name}");
        });
    }
}
