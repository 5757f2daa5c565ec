//! What is written, where, and as what.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
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

    /// Whether a person can read it, and a terminal show it.
    fn is_text(&self) -> bool {
        let is_binary = matches!(
            self.format,
            OutputFormat::Recording | OutputFormat::Profile(Format::Pprof)
        );
        !is_binary && !self.compress
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
/// Messages offer these extensions.
pub(super) fn outputs(
    paths: &[PathBuf],
    format: Option<OutputFormat>,
    open: bool,
    extensions: &str,
) -> Result<Vec<OutputConfig>> {
    let outputs = named_outputs(paths, format, extensions)?;
    if open && !outputs.iter().any(|output| output.for_browsers().is_some()) {
        return Err(
            Error::usage("--open needs an output that a browser can show")
                .with_hint("write a file as html, svg, firefox or speedscope"),
        );
    }
    Ok(outputs)
}

fn named_outputs(
    paths: &[PathBuf],
    format: Option<OutputFormat>,
    extensions: &str,
) -> Result<Vec<OutputConfig>> {
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

/// Refuses to pour over a terminal what is not text.
pub(super) fn check_terminal(outputs: &[OutputConfig]) -> Result<()> {
    check_text(outputs, io::stdout().is_terminal())
}

fn check_text(outputs: &[OutputConfig], is_terminal: bool) -> Result<()> {
    let pours =
        |output: &&OutputConfig| output.destination == Destination::Stdout && !output.is_text();
    match outputs.iter().find(pours).filter(|_| is_terminal) {
        None => Ok(()),
        Some(output) => Err(Error::usage(format!(
            "standard output is a terminal, and the format {} is not text",
            output.format.name()
        ))
        .with_hint("name a file, -o FILE, or have a program read it")),
    }
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

    /// Check that an unknown extension's message offers those that can be had.
    #[test]
    fn extensions_are_offered() {
        let paths = [PathBuf::from("a.xyz")];
        for (extensions, has_recording) in [
            (OutputFormat::all_extensions(), true),
            (OutputFormat::exported_extensions(), false),
        ] {
            let error = outputs(&paths, None, false, &extensions).expect_err("it is unknown");
            let hint = error.hint().unwrap_or_default();
            assert_eq!(hint.contains(".somno"), has_recording, "{hint}");
            assert!(hint.contains(".svg"), "{hint}");
        }
    }

    /// Check that a terminal gets text only, and others whatever is asked for.
    #[test]
    fn terminals_get_text() {
        for format in OutputFormat::all() {
            for (path, compress) in [("-", false), ("-", true), ("a", false)] {
                let output = OutputConfig {
                    destination: destination(Path::new(path)),
                    format,
                    compress,
                };
                let is_binary = ["recording", "pprof"].contains(&format.name()) || compress;
                let checked = check_text(std::slice::from_ref(&output), true);
                assert_eq!(checked.is_err(), is_binary && path == "-", "{output:?}");
                if let Err(error) = checked {
                    assert_eq!(error.kind().exit_status(), 2);
                    assert!(error.hint().is_some_and(|hint| hint.contains("-o FILE")));
                }
                assert!(check_text(&[output], false).is_ok());
            }
        }
    }
}
