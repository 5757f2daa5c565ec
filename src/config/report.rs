//! What `somno report` is to do.

use std::path::PathBuf;

use regex::Regex;

use super::filters::{FilterConfig, expression};
use crate::cli::doctor::Format;
use crate::cli::report::Report;
use crate::error::{Error, Result};

const TOP: usize = 40;

/// What `somno report` is to do.
#[derive(Clone, Debug)]
pub struct ReportConfig {
    /// The recording.
    pub file: PathBuf,
    /// What to show.
    pub shape: Shape,
    /// Which samples.
    pub filters: FilterConfig,
}

/// What a report shows.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A table of so many functions.
    Functions(usize),
    /// A tree of calls.
    Calls,
    /// A tree of callers of matching functions.
    Callers(Regex),
    /// An object with so many functions.
    Json(usize),
}

impl ReportConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Report) -> Result<Self> {
        let callers = expression("--callers", typed.callers.as_deref())?;
        let shape = match (callers, typed.tree, typed.format) {
            (None, false, Format::Text) => Shape::Functions(typed.top.unwrap_or(TOP)),
            (None, false, Format::Json) => Shape::Json(typed.top.unwrap_or(usize::MAX)),
            (Some(callers), _, Format::Text) => Shape::Callers(callers),
            (None, true, Format::Text) => Shape::Calls,
            (_, _, Format::Json) => {
                return Err(Error::usage(
                    "--format json is not for --tree and --callers",
                ));
            }
        };
        Ok(Self {
            file: typed.file,
            shape,
            filters: FilterConfig::new(typed.filters)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn config(arguments: &[&str]) -> Result<ReportConfig> {
        let cli = Cli::try_parse_from(["somno", "report", "x.somno"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        let Command::Report(typed) = cli.command else {
            unreachable!("it is report")
        };
        ReportConfig::new(*typed)
    }

    /// Check what is shown by which option, and how many functions where nobody says.
    #[test]
    fn shapes() {
        for (arguments, shape) in [
            (&[][..], "Functions(40)"),
            (&["--top", "7"], "Functions(7)"),
            (&["--tree"], "Calls"),
            (&["--callers", "f"], "Callers(Regex(\"f\"))"),
            (&["--format", "json"], "Json(18446744073709551615)"),
            (&["--format", "json", "--top", "3"], "Json(3)"),
        ] {
            let config = config(arguments).expect("it is valid");
            assert_eq!(format!("{:?}", config.shape), shape);
        }
    }

    /// Check that what cannot be meant is refused with exit status 2.
    #[test]
    fn refusals() {
        for arguments in [
            &["--top", "x"][..],
            &["--tree", "--callers", "f"],
            &["--tree", "--format", "json"],
            &["--callers", "f", "--format", "json"],
            &["--callers", "("],
            &["--tree", "--top", "3"],
            &["--comm", "("],
        ] {
            let error = config(arguments).expect_err(&format!("{arguments:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{arguments:?}");
        }
    }
}
