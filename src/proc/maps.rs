//! `/proc/PID/maps`: what a process has mapped, and from where.

use std::fs;
use std::io;

use crate::addr::UserAddress;
use crate::id::Pid;

/// One mapping of executable memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Its first address.
    pub start: UserAddress,
    /// The first address behind it.
    pub end: UserAddress,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Major and minor number of the device.
    pub device: (u32, u32),
    /// The inode's number; 0 without a file.
    pub inode: u64,
    /// The path, or a name in brackets, or nothing.
    pub path: String,
}

/// Reads the executable mappings of a process.
///
/// # Errors
/// When the process is gone or not ours to read.
pub fn executable(pid: Pid) -> io::Result<Vec<Mapping>> {
    let bytes = fs::read(format!("/proc/{pid}/maps"))?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// Picks the executable mappings out of the text; lines that are not understood are passed over.
#[must_use]
pub fn parse(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let trimmed = rest.trim_start_matches(' ');
        let (field, after) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        rest = after;
        field
    };
    let (start, end) = field().split_once('-')?;
    let permissions = field();
    let offset = field();
    let (major, minor) = field().split_once(':')?;
    let inode = field();
    if permissions.as_bytes().get(2) != Some(&b'x') {
        return None;
    }
    let hexadecimal = |text| u64::from_str_radix(text, 16).ok();
    Some(Mapping {
        start: UserAddress(hexadecimal(start)?),
        end: UserAddress(hexadecimal(end)?),
        offset: hexadecimal(offset)?,
        device: (
            u32::from_str_radix(major, 16).ok()?,
            u32::from_str_radix(minor, 16).ok()?,
        ),
        inode: inode.parse().ok()?,
        path: rest.trim_start_matches(' ').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that executable mappings are read, with spaces in their paths, and others are not.
    #[test]
    fn mappings_are_read() {
        let text = "\
559000000000-559000001000 r--p 00000000 fe:00 12 /usr/bin/a b
559000001000-559000002000 r-xp 00001000 fe:01 12                         /usr/bin/a b (deleted)
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]
7f0000000000-7f0000001000 rwxp 00000000 00:00 0
not a line
";
        let mappings = parse(text);
        assert_eq!(mappings.len(), 3);
        assert_eq!(
            mappings[0],
            Mapping {
                start: UserAddress(0x5590_0000_1000),
                end: UserAddress(0x5590_0000_2000),
                offset: 0x1000,
                device: (0xfe, 1),
                inode: 12,
                path: "/usr/bin/a b (deleted)".into(),
            }
        );
        assert_eq!(mappings[1].path, "[vdso]");
        assert_eq!((mappings[2].inode, mappings[2].path.as_str()), (0, ""));
    }
}
