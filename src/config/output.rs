//! What is written, where, and as what.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::export::Format;

/// How names of recordings end.
const RECORDING: &str = "somno";
const JSON: &str = "json";

/// One thing to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputConfig {
    /// Where.
    pub destination: Destination,
    /// As what.
    pub format: OutputFormat,
    /// Whether its name asks for it to be compressed.
    pub compress: bool,
}

impl OutputConfig {
    /// Whether it is a recording that is not for standard output.
    #[must_use]
    pub fn is_recording_file(&self) -> bool {
        self.format == OutputFormat::Recording && self.destination != Destination::Stdout
    }

    /// What a browser, or a viewer in one, can show; none where it is no file of that kind.
    #[must_use]
    pub fn for_browsers(&self) -> Option<Format> {
        match self.format {
            OutputFormat::Profile(format)
                if self.destination != Destination::Stdout && format.is_for_browsers() =>
            {
                Some(format)
            }
            _ => None,
        }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Everything, to be looked at later.
    Recording,
    /// A report as an object.
    Json,
    /// A profile.
    Profile(Format),
}

impl OutputFormat {
    /// Every format, in the order of lists.
    pub fn all() -> impl Iterator<Item = Self> {
        let profiles = Format::ALL.into_iter().map(Self::Profile);
        [Self::Recording]
            .into_iter()
            .chain(profiles)
            .chain([Self::Json])
    }

    /// Those that a recording can be exported to.
    pub fn exported() -> impl Iterator<Item = Self> {
        Self::all().filter(|format| *format != Self::Recording)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Json => "json",
            Self::Profile(format) => format.name(),
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Recording => "Everything, to be looked at later",
            Self::Json => "Counts, functions and threads, as report --format json",
            Self::Profile(format) => format.description(),
        }
    }

    /// How names of such files end, the one for new files first.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Recording => &[RECORDING],
            Self::Json => &[JSON],
            Self::Profile(format) => format.extensions(),
        }
    }

    /// How names of files of every format end, in words.
    #[must_use]
    pub fn all_extensions() -> String {
        dotted(Self::all())
    }

    /// The same of formats that a recording can be exported to.
    #[must_use]
    pub fn exported_extensions() -> String {
        dotted(Self::exported())
    }

    /// The format that a file's name asks for: that with the longest ending.
    fn of_name(name: &str) -> Option<Self> {
        let ends = |extension: &str| {
            let stem = name.strip_suffix(extension)?;
            stem.ends_with('.').then_some(extension.len())
        };
        let length = |format: &Self| format.extensions().iter().filter_map(|e| ends(e)).max();
        let known = Self::all().filter(|format| length(format).is_some());
        known.max_by_key(length)
    }
}

fn dotted(formats: impl Iterator<Item = OutputFormat>) -> String {
    let extensions = formats.flat_map(OutputFormat::extensions);
    let dotted: Vec<_> = extensions
        .map(|extension| format!(".{extension}"))
        .collect();
    dotted.join(", ")
}

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To standard output.
    Stdout,
    /// To a file that the user named: it is replaced.
    File(PathBuf),
    /// To a new file: this name, or with a number where that exists.
    New(&'static str, &'static str),
}

/// What is written, of which a browser must be able to show something where that is asked for.
pub(super) fn outputs(
    paths: &[PathBuf],
    format: Option<OutputFormat>,
    open: bool,
) -> Result<Vec<OutputConfig>> {
    let outputs = named_outputs(paths, format)?;
    if open && !outputs.iter().any(|output| output.for_browsers().is_some()) {
        return Err(
            Error::usage("--open needs an output that a browser can show")
                .with_hint("write a file as html, svg, firefox or speedscope"),
        );
    }
    Ok(outputs)
}

fn named_outputs(paths: &[PathBuf], format: Option<OutputFormat>) -> Result<Vec<OutputConfig>> {
    if paths.is_empty() {
        let format = format.unwrap_or(OutputFormat::Recording);
        return Ok(vec![OutputConfig {
            destination: Destination::New("profile", format.extensions()[0]),
            format,
            compress: false,
        }]);
    }
    let named = |path: &PathBuf| {
        let unknown = || {
            let extensions = OutputFormat::all_extensions();
            Error::usage(format!("unknown format of `{}`", path.display())).with_hint(format!(
                "use --format, or one of the extensions {extensions}"
            ))
        };
        Ok(OutputConfig {
            destination: destination(path),
            compress: path.extension().is_some_and(|extension| extension == "gz"),
            format: format.or_else(|| format_of(path)).ok_or_else(unknown)?,
        })
    };
    paths.iter().map(named).collect()
}

/// Refuses to write two things to one place.
pub(super) fn check_distinct<'a>(mut paths: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let mut seen = HashSet::new();
    paths
        .find(|path| !seen.insert(*path))
        .map_or(Ok(()), |twice| {
            Err(Error::usage(format!(
                "`{}` is named twice",
                twice.display()
            )))
        })
}

pub(super) fn destination(path: &Path) -> Destination {
    if path == Path::new("-") {
        Destination::Stdout
    } else {
        Destination::File(path.to_owned())
    }
}

fn format_of(path: &Path) -> Option<OutputFormat> {
    if path == Path::new("-") {
        return Some(OutputFormat::Profile(Format::Folded));
    }
    OutputFormat::of_name(path.file_name()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that every extension is that of one format, the longest deciding.
    #[test]
    fn extensions_are_told_apart() {
        for format in OutputFormat::all() {
            for extension in format.extensions() {
                let name = format!("a.b.{extension}");
                assert_eq!(OutputFormat::of_name(&name), Some(format), "{name}");
            }
        }
        assert_eq!(OutputFormat::of_name("a.json.gz"), None);
        assert_eq!(OutputFormat::of_name("svg"), None);
    }
}
