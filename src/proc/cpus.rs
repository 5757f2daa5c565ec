//! Lists of CPUs, as in `/sys/devices/system/cpu/online`: `0-3,8`.

use std::fs;

use crate::error::{Context as _, Error, Result};

/// Reads a list of CPUs; sorted, each once.
///
/// # Errors
/// When it is empty, a part is not a number or a range, or a number is beyond `limit`.
pub fn parse_list(text: &str, limit: u16) -> Result<Vec<u16>> {
    let bad = |part: &str| Error::usage(format!("bad CPU list `{text}`: `{part}`"));
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: u16 = first.trim().parse().map_err(|_| bad(part))?;
        let last: u16 = last.trim().parse().map_err(|_| bad(part))?;
        if first > last || last >= limit {
            return Err(bad(part));
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// Returns the CPUs that are online.
///
/// # Errors
/// When the system's list cannot be read.
pub fn online(limit: u16) -> Result<Vec<u16>> {
    read("/sys/devices/system/cpu/online", limit)
}

/// Returns the CPUs that may ever be online.
///
/// # Errors
/// When the system's list cannot be read.
pub fn possible(limit: u16) -> Result<Vec<u16>> {
    read("/sys/devices/system/cpu/possible", limit)
}

fn read(path: &str, limit: u16) -> Result<Vec<u16>> {
    parse_list(
        &fs::read_to_string(path).context(|| format!("read `{path}`"))?,
        limit,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that lists, ranges and overlaps are understood.
    #[test]
    fn lists_are_read() {
        for (text, expected) in [
            ("0", &[0][..]),
            ("0-2\n", &[0, 1, 2]),
            ("5,1-2,2", &[1, 2, 5]),
        ] {
            assert_eq!(parse_list(text, 64).expect(text), expected);
        }
    }

    /// Check that what is not a list is refused, by name.
    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a", "3-1", "0-", "64", "1,,2", "-1"] {
            let error = parse_list(text, 64).expect_err(text);
            assert!(error.to_string().contains("bad CPU list"), "{error}");
        }
    }
}
