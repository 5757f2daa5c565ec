//! The files of a recording in segments: numbered on, and the oldest removed.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::command::output::Output;
use crate::config::output::Destination;
use crate::error::{Context as _, Error, Result};

/// Numbers have leading zeros, so that names are in order for some years of minutes.
const DIGITS: usize = 6;

/// Segments of one recording, the oldest first.
#[derive(Debug)]
pub(super) struct Segments {
    /// As it was named, without a number.
    path: PathBuf,
    /// What names have before and behind the number.
    stem: OsString,
    extension: OsString,
    keep: Option<NonZeroUsize>,
    kept: VecDeque<PathBuf>,
    next: u64,
}

impl Segments {
    /// Looks for those that earlier runs left.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(super) fn find(destination: &Destination, keep: Option<NonZeroUsize>) -> Result<Self> {
        let path = match destination {
            Destination::File(path) => path.clone(),
            Destination::New(stem, extension) => format!("{stem}.{extension}").into(),
            Destination::Stdout => return Err(Error::usage("--rotate needs a file")),
        };
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut segments = Self {
            stem: path.file_stem().unwrap_or_default().to_owned(),
            extension: path.extension().unwrap_or_default().to_owned(),
            path,
            keep,
            kept: VecDeque::new(),
            next: 1,
        };
        let context = || format!("read `{}`", directory.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(&directory).context(context)? {
            let name = entry.context(context)?.file_name();
            found.extend(segments.number(Path::new(&name)));
        }
        found.sort_unstable();
        segments.next = found.last().map_or(1, |last| last + 1);
        segments.kept = found
            .into_iter()
            .map(|number| segments.path(number))
            .collect();
        Ok(segments)
    }

    /// Opens the next one. Another run may count in the same directory: its files are let be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(&mut self) -> Result<Output> {
        loop {
            let path = self.path(self.next);
            self.next += 1;
            if let Some(output) = Output::create(&path)? {
                self.kept.push_back(path);
                return Ok(output);
            }
        }
    }

    /// Removes what is more than are kept: when the newest has something in it, and not before.
    pub(super) fn remove_oldest(&mut self) {
        while self.keep.is_some_and(|keep| self.kept.len() > keep.get()) {
            let oldest = self.kept.pop_front();
            // gone already is as well
            oldest.map(fs::remove_file);
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        let mut name = self.stem.clone();
        name.push(format!(".{number:0DIGITS$}"));
        if !self.extension.is_empty() {
            name.push(".");
            name.push(&self.extension);
        }
        self.path.with_file_name(name)
    }

    /// The number in a name of a segment of ours.
    fn number(&self, name: &Path) -> Option<u64> {
        let numbered = if self.extension.is_empty() {
            name
        } else {
            let is_ours = name.extension()? == self.extension;
            Path::new(name.file_stem().filter(|_| is_ours)?)
        };
        let digits = numbered.extension()?.to_str()?;
        let is_number = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_ours = is_number && numbered.file_stem()? == self.stem;
        is_ours.then(|| digits.parse().ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("it is ours");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("it is there").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Check that nothing is removed before a new segment is whole, and that one that another run
    /// has made meanwhile is not taken.
    #[test]
    fn segments_of_others_are_let_be() {
        let directory = tempfile::tempdir().expect("there is room");
        fs::write(directory.path().join("a.000001.somno"), "old").expect("it is ours");
        let destination = Destination::File(directory.path().join("a.somno"));
        let mut segments =
            Segments::find(&destination, NonZeroUsize::new(1)).expect("it can be read");
        fs::write(directory.path().join("a.000002.somno"), "theirs").expect("it is ours");
        drop(segments.open().expect("it is ours"));
        assert_eq!(
            names(directory.path()),
            ["a.000001.somno", "a.000002.somno"]
        );
        segments.open().expect("it is ours").keep();
        segments.remove_oldest();
        assert_eq!(
            names(directory.path()),
            ["a.000002.somno", "a.000004.somno"]
        );
    }

    /// Check that numbers go on where an earlier run ended, that only the last segments are
    /// kept, and that other files are let be.
    #[test]
    fn last_segments_are_kept() {
        let directory = tempfile::tempdir().expect("there is room");
        for other in ["a.somno", "a.1.somno", "ab.000001.somno", "a.000001.svg"] {
            fs::write(directory.path().join(other), "").expect("it is ours");
        }
        let destination = Destination::File(directory.path().join("a.somno"));
        for _ in 0..3 {
            let mut segments =
                Segments::find(&destination, NonZeroUsize::new(3)).expect("it can be read");
            for _ in 0..2 {
                segments.open().expect("it is ours").keep();
                segments.remove_oldest();
            }
        }
        assert_eq!(
            names(directory.path()),
            [
                "a.000001.svg",
                "a.000004.somno",
                "a.000005.somno",
                "a.000006.somno",
                "a.1.somno",
                "a.somno",
                "ab.000001.somno"
            ]
        );
    }
}
