//! What of a file may be read for its symbols. blazesym takes a file at its word: it makes room
//! for what compressed sections say that they hold, unpacks what does not say, and opens what
//! a debug link names. A file may have been made to have that take all memory, or for ever.
//!
//! Source of the formats: System V ABI, chapter 4; the manuals of gdb, "Separate Debug Files" and
//! "Debugging information in a special section".

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use object::elf::{
    ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD, FileHeader32, FileHeader64, SHF_COMPRESSED, SHT_DYNSYM,
    SHT_STRTAB, SHT_SYMTAB,
};
use object::read::elf::{CompressionHeader as _, FileHeader, SectionHeader as _};
use object::{Endianness, ReadCache};

use super::regular;

/// Bytes of a file. Chromium with its debug information has some 4 GB.
const FILE_MAX: u64 = 32 << 30;
/// Bytes of the tables of symbols of a file, and of all that is unpacked of it.
const TABLES_MAX: u64 = 1 << 30;
const UNPACKED_MAX: u64 = 1 << 30;
/// Sections of a file.
const SECTIONS_MAX: usize = 1 << 16;
/// Bytes of a debug link.
const LINK_MAX: u64 = 4096;

/// What may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Readable {
    /// Nothing: it takes too much, or it is no program.
    Nothing,
    /// Tables of symbols, but neither debug information nor what a debug link leads to.
    Tables,
    /// All of it.
    Whole,
}

/// Looks what may be read of a file.
pub(super) fn look(path: &Path) -> Readable {
    let Some(found) = measure(path) else {
        return Readable::Nothing;
    };
    if found.links.iter().all(|link| is_harmless(path, link)) {
        found.readable
    } else {
        Readable::Tables
    }
}

/// What may be read of a file itself, and what its debug links name.
struct Measured {
    readable: Readable,
    links: Vec<Vec<u8>>,
}

fn measure(path: &Path) -> Option<Measured> {
    let file = regular::open(path).ok()?;
    if file.metadata().ok()?.len() > FILE_MAX {
        return None;
    }
    let data = ReadCache::new(&file);
    match FileHeader64::<Endianness>::parse(&data) {
        Ok(header) => measure_elf(header, &data, &file),
        Err(_) => measure_elf(FileHeader32::parse(&data).ok()?, &data, &file),
    }
}

fn measure_elf<'data, Elf: FileHeader<Endian = Endianness>>(
    header: &Elf,
    data: &'data ReadCache<&'data File>,
    file: &File,
) -> Option<Measured> {
    let endian = header.endian().ok()?;
    if header.shnum(endian, data).ok()? > SECTIONS_MAX {
        return None;
    }
    let sections = header.sections(endian, data).ok()?;
    let mut readable = Readable::Whole;
    let mut links = Vec::new();
    let (mut tables, mut unpacked) = (0_u64, 0_u64);
    for section in sections.iter() {
        let name = sections.section_name(endian, section).unwrap_or_default();
        let left = UNPACKED_MAX - unpacked;
        let size = section.sh_size(endian).into();
        let content = || part(file, section.sh_offset(endian).into(), size);
        let taken = match name {
            b".gnu_debugdata" => unpack_xz(content()?, left),
            _ => unpack::<Elf>(section, endian, data, file, left),
        };
        match taken {
            Some(bytes) => unpacked += bytes,
            None if name.starts_with(b".debug_") => readable = Readable::Tables,
            None => return None,
        }
        match section.sh_type(endian) {
            SHT_SYMTAB | SHT_DYNSYM | SHT_STRTAB => tables = tables.saturating_add(size),
            _ if name == b".gnu_debuglink" => links.push(link_name(content()?)?),
            _ => {}
        }
    }
    (tables <= TABLES_MAX).then_some(Measured { readable, links })
}

/// Bytes that a section has when it is unpacked, 0 for one that is as it is; none where that is
/// more than is left, or than it says.
fn unpack<'data, Elf: FileHeader<Endian = Endianness>>(
    section: &Elf::SectionHeader,
    endian: Endianness,
    data: &'data ReadCache<&'data File>,
    file: &File,
    left: u64,
) -> Option<u64> {
    if section.sh_flags(endian).into() & u64::from(SHF_COMPRESSED) == 0 {
        return Some(0);
    }
    let (header, offset, len) = section.compression(endian, data).ok()??;
    let size = header.ch_size(endian).into();
    if size > left {
        return None;
    }
    let packed = part(file, offset, len)?;
    match header.ch_type(endian) {
        ELFCOMPRESS_ZLIB => count(flate2::read::ZlibDecoder::new(packed), size),
        ELFCOMPRESS_ZSTD => count(zstd::stream::read::Decoder::new(packed).ok()?, size),
        // nobody unpacks it
        _ => Some(0),
    }
}

fn unpack_xz(packed: impl Read, left: u64) -> Option<u64> {
    let decoder = xz2::stream::Stream::new_stream_decoder(UNPACKED_MAX, 0).ok()?;
    count(xz2::read::XzDecoder::new_stream(packed, decoder), left)
}

/// How many bytes come, damaged or not; none where there are more than so many.
fn count(unpacked: impl Read, at_most: u64) -> Option<u64> {
    let mut counted = unpacked.take(at_most.saturating_add(1));
    // what came before damage was met has taken its room already
    let _ = io::copy(&mut counted, &mut io::sink());
    let came = at_most.saturating_add(1) - counted.limit();
    (came <= at_most).then_some(came)
}

/// A part of a file, to be read before anything else of it.
fn part(mut file: &File, begin: u64, len: u64) -> Option<impl Read> {
    file.seek(SeekFrom::Start(begin)).ok()?;
    Some(BufReader::new(file.take(len)))
}

/// What a debug link names: text that ends with a zero byte.
fn link_name(link: impl Read) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    link.take(LINK_MAX).read_to_end(&mut name).ok()?;
    let end = name.iter().position(|&byte| byte == 0)?;
    name.truncate(end);
    Some(name)
}

/// Whether a debug link of a file names nothing but a file that may be read, where its owner can
/// have put one; or none there.
fn is_harmless(path: &Path, link: &[u8]) -> bool {
    if link.is_empty() || link.contains(&b'/') || link == b".." || link == b"." {
        return false;
    }
    let Ok(linker) = fs::canonicalize(path) else {
        return true;
    };
    let beside = linker.with_file_name(OsStr::from_bytes(link));
    let below = debug_directory(&linker).join(OsStr::from_bytes(link));
    [beside, below].iter().all(|found| match fs::exists(found) {
        Ok(true) => measure(found).is_some_and(|found| found.readable == Readable::Whole),
        _ => true,
    })
}

/// Where debug files are beside a program.
pub(super) fn debug_directory(program: &Path) -> PathBuf {
    program.with_file_name(".debug")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A directory with the program `whole`, which has debug information.
    fn room() -> tempfile::TempDir {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        fs::write(room.path().join("a.c"), "int _start(void) { return 0; }\n").expect("it is ours");
        run(&room, "cc -g -nostdlib -static -o whole a.c");
        room
    }

    fn run(room: &tempfile::TempDir, command: &str) {
        let status = Command::new("sh")
            .args(["-c", command])
            .current_dir(room)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{command}");
    }

    fn look_at(room: &tempfile::TempDir, name: &str) -> Readable {
        look(&room.path().join(name))
    }

    /// Overwrites the eight bytes at the beginning of a compressed section that say how long it is.
    fn claim(room: &tempfile::TempDir, name: &str, section: &[u8], size: u64) {
        let path = room.path().join(name);
        let mut bytes = fs::read(&path).expect("it was just made");
        let offset = {
            let header = FileHeader64::<Endianness>::parse(&bytes[..]).expect("it is a program");
            let sections = header
                .sections(Endianness::Little, &bytes[..])
                .expect("it has some");
            let found = sections.section_by_name(Endianness::Little, section);
            found.expect("it is there").1.sh_offset(Endianness::Little)
        };
        let at = usize::try_from(offset).expect("it is small") + 8;
        bytes[at..at + 8].copy_from_slice(&size.to_le_bytes());
        fs::write(path, bytes).expect("it is ours");
    }

    /// Check that what is compressed is read where it is as long as it says, and otherwise the
    /// tables alone are.
    #[test]
    fn compressed_sections_are_measured() {
        let room = room();
        run(&room, "objcopy --compress-debug-sections=zlib whole packed");
        for name in ["whole", "packed"] {
            assert_eq!(look_at(&room, name), Readable::Whole, "{name}");
        }
        for size in [1, 1 << 40, u64::MAX] {
            claim(&room, "packed", b".debug_info", size);
            assert_eq!(look_at(&room, "packed"), Readable::Tables, "{size}");
        }
    }

    /// Check that embedded symbols are read where they are not too much.
    #[test]
    fn embedded_symbols_are_measured() {
        let room = room();
        let embed = "objcopy --strip-all --add-section=.gnu_debugdata=data.xz whole";
        run(&room, &format!("xz <whole >data.xz && {embed} small"));
        assert_eq!(look_at(&room, "small"), Readable::Whole);
        run(
            &room,
            &format!("head -c 1100M /dev/zero | xz -0 >data.xz && {embed} bomb"),
        );
        assert_eq!(look_at(&room, "bomb"), Readable::Nothing);
    }

    /// Check that a debug link is followed to a regular file beside the program alone.
    #[test]
    fn links_are_looked_at() {
        let room = room();
        let link = "objcopy --strip-all --add-gnu-debuglink=whole.debug whole linked";
        run(&room, &format!("cp whole whole.debug && {link}"));
        assert_eq!(look_at(&room, "linked"), Readable::Whole);
        for made in [
            "rm whole.debug",
            "mkdir .debug && cp whole .debug/whole.debug",
        ] {
            run(&room, made);
            assert_eq!(look_at(&room, "linked"), Readable::Whole, "{made}");
        }
        for made in [
            "mkfifo whole.debug",
            "rm whole.debug .debug/* && mkfifo .debug/whole.debug",
        ] {
            run(&room, made);
            assert_eq!(look_at(&room, "linked"), Readable::Tables, "{made}");
        }
        assert!(!is_harmless(Path::new("/bin/sh"), b"/dev/zero"));
        assert!(!is_harmless(Path::new("/bin/sh"), b"../dev/zero"));
    }

    /// Check that what is no program, or no file, is not read.
    #[test]
    fn others_are_refused() {
        for path in ["/proc/self/status", "/dev/zero", "/", "/no/such/file"] {
            assert_eq!(look(Path::new(path)), Readable::Nothing, "{path}");
        }
    }
}
