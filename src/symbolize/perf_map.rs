//! `perf-PID.map`: where a process put code at run time, and what it calls it.
//!
//! A line is `START SIZE NAME`, the numbers in hexadecimal, the name to the end of the line
//! (`tools/perf/Documentation/jit-interface.txt`). The process appends as it compiles, so
//! where lines overlap the later one is of the code that is there now.

use std::io::{self, BufRead, Read as _};

use super::wanted::Wanted;
use crate::addr::UserAddress;

/// Bytes of a map that are read; V8's longest seen are some MiB.
const MAP_MAX: u64 = 256 << 20;
/// Bytes of a line; what is longer is cut.
const LINE_MAX: u64 = 16 << 10;

/// Names what the map knows. Lines that are not understood are passed over.
///
/// # Errors
/// When the map cannot be read on; what was read before counts.
pub fn read(map: impl BufRead, wanted: &mut Wanted) -> io::Result<()> {
    let mut map = map.take(MAP_MAX);
    let mut line = Vec::new();
    while read_line(&mut map, &mut line)? {
        let Some((start, size, name)) = parse_line(&line) else {
            continue;
        };
        if wanted.has_any(start, size) {
            wanted.give(start, size, &String::from_utf8_lossy(name).into());
        }
    }
    Ok(())
}

/// Reads the next line, or the front of a long one; tells whether there was one.
fn read_line(map: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    map.take(LINE_MAX).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 == LINE_MAX {
        map.skip_until(b'\n')?;
    } else if line.is_empty() {
        return Ok(false);
    }
    Ok(true)
}

fn parse_line(line: &[u8]) -> Option<(UserAddress, u64, &[u8])> {
    let (start, rest) = split_blank(line)?;
    let (size, name) = split_blank(rest)?;
    let name = name.trim_ascii();
    let (start, size) = (hexadecimal(start)?, hexadecimal(size)?);
    (!name.is_empty()).then_some((UserAddress(start), size, name))
}

fn split_blank(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = line.iter().position(|&byte| byte == b' ')?;
    Some((&line[..blank], &line[blank + 1..]))
}

/// Java writes `0x` before its numbers, V8 does not.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(number << 4 | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    fn name_in(map: &[u8], address: u64) -> Option<String> {
        let mut wanted = Wanted::new([UserAddress(address)]);
        read(map, &mut wanted).expect("a slice can be read");
        wanted.name(UserAddress(address)).map(str::to_owned)
    }

    /// Check that lines are understood as V8, Java and Python write them.
    #[test]
    fn lines_are_understood() {
        for (line, name) in [
            (&b"f00 180 JS:*fib [eval]:1:16\n"[..], "JS:*fib [eval]:1:16"),
            (
                b"0x0000000000000F00 0x0000000000000180 int Hot.fib(int)\n",
                "int Hot.fib(int)",
            ),
            (b"f00 180 py::f:<string>", "py::f:<string>"),
            (b"f00 180 caf\xff\r\n", "caf\u{fffd}"),
        ] {
            for (address, expected) in [
                (0xeff, None),
                (0xf00, Some(name)),
                (0x107f, Some(name)),
                (0x1080, None),
            ] {
                assert_eq!(name_in(line, address).as_deref(), expected, "{address:x}");
            }
        }
    }

    /// Check that the later of two lines for the same address wins.
    #[test]
    fn later_lines_win() {
        let map = b"100 40 old\n120 10 new\n";
        assert_eq!(name_in(map, 0x110).as_deref(), Some("old"));
        assert_eq!(name_in(map, 0x120).as_deref(), Some("new"));
        assert_eq!(name_in(map, 0x130).as_deref(), Some("old"));
    }

    /// Check that lines that say nothing are passed over, and those around them are not.
    #[test]
    fn garbage_is_passed_over() {
        for garbage in [
            "",
            " ",
            "100",
            "100 40",
            "100 40 ",
            "100 40   ",
            "100  40 two blanks",
            "-100 40 signed",
            "+100 40 signed",
            "0x 40 none",
            "10g 40 no digit",
            "10000000000000100 40 too large",
            "ffffffffffffffff ffffffffffffffff beyond",
            "\0\0\0",
        ] {
            let map = format!("100 10 before\n{garbage}\n110 10 behind\n");
            assert_eq!(name_in(map.as_bytes(), 0x100).as_deref(), Some("before"));
            assert_eq!(name_in(map.as_bytes(), 0x110).as_deref(), Some("behind"));
        }
    }

    /// Check that a line without an end is cut, and the next one found.
    #[test]
    fn long_lines_are_cut() {
        let mut map = b"100 10 ".to_vec();
        map.resize(1 << 20, b'x');
        map.extend_from_slice(b"\n110 10 behind\n");
        let name = name_in(&map, 0x100).expect("its front is a line");
        assert!(name.len() < 16 << 10);
        assert_eq!(name_in(&map, 0x110).as_deref(), Some("behind"));
    }

    /// Check that no damage does anything but change names.
    #[test]
    fn damage_is_harmless() {
        let map = b"100 40 first\n0x120 0x10 second\nffffffffffffff00 ff last\n";
        Fuzz::of(&[map]).run(|map| {
            for address in [0x120, u64::MAX] {
                let name = name_in(map, address).unwrap_or_default();
                assert!(name.len() as u64 <= 3 * LINE_MAX, "{name}");
            }
        });
    }
}
