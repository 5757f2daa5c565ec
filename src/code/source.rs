//! Source files, as debug information names them.

use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::symbolize::regular;
use crate::text;

/// Larger ones were hardly written by people.
const LARGEST: u64 = 64 << 20;
/// Columns of a tab.
const TAB: usize = 8;

/// The lines of a file, safe to show.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the first on.
    pub lines: Vec<String>,
    /// When it was changed, in nanoseconds since 1970.
    pub changed_unix_ns: u64,
}

/// Reads a source file.
///
/// # Errors
/// Why its lines cannot be shown.
pub fn read(path: &str) -> Result<Source, String> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return Err("the directory that it was compiled in is not known".into());
    }
    let mut file = regular::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if metadata.len() > LARGEST {
        return Err("it is too large for a source file".into());
    }
    let mut bytes = Vec::new();
    let read = file.by_ref().take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Source {
        lines: lines(&String::from_utf8_lossy(&bytes)),
        changed_unix_ns: u64::try_from(changed.as_nanos()).unwrap_or(u64::MAX),
    })
}

fn lines(content: &str) -> Vec<String> {
    let lines = content.lines();
    lines.map(|line| text::clean(&expanded(line))).collect()
}

/// Makes tabs spaces, up to where a terminal would go.
fn expanded(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for c in line.chars() {
        let spaces = TAB - column % TAB;
        if c == '\t' {
            text.push_str(&" ".repeat(spaces));
            column += spaces;
        } else {
            text.push(c);
            column += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that lines are read with spaces for tabs, and nothing that a terminal obeys.
    #[test]
    fn files_are_read() {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let path = room.path().join("a.c");
        std::fs::write(&path, "\tint x;\n\x1b[2Ja\tb\r\nlast").expect("it is ours");
        let source = read(path.to_str().expect("it is text")).expect("it is there");
        assert_eq!(source.lines, ["        int x;", "?[2Ja   b", "last"]);
        assert!(source.changed_unix_ns > 0);
    }

    /// Check that it is said why there are no lines.
    #[test]
    fn what_is_missing_is_told() {
        for (path, reason) in [
            ("src/main.c", "directory"),
            ("/no/such/file.c", "No such file"),
            ("/dev/zero", "invalid"),
        ] {
            let error = read(path).expect_err(path);
            assert!(error.contains(reason), "{path}: {error}");
        }
    }
}
