//! What `somno diff` is to do.

use std::path::PathBuf;

use super::filters::FilterConfig;
use super::{Destination, destination};
use crate::cli::diff::Diff;
use crate::error::{Error, Result};

/// Percentage points.
const THRESHOLD: f64 = 0.5;

/// What `somno diff` is to do.
#[derive(Clone, Debug)]
pub struct DiffConfig {
    /// The recording to compare with.
    pub before: PathBuf,
    /// The recording to compare.
    pub after: PathBuf,
    /// Where to draw a flame graph.
    pub output: Option<Destination>,
    /// Changes of a share below this are hidden, from 0 to 1.
    pub threshold: f64,
    /// Which samples, of both.
    pub filters: FilterConfig,
}

impl DiffConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Diff) -> Result<Self> {
        let points = typed.threshold.unwrap_or(THRESHOLD);
        if !(0.0..=100.0).contains(&points) {
            return Err(Error::usage(format!(
                "--threshold must be from 0 to 100, not {points}"
            )));
        }
        let output = typed.output.as_deref().map(destination);
        if let Some(Destination::File(path)) = &output
            && path.extension().is_none_or(|extension| extension != "svg")
        {
            let message = format!("unknown format of `{}`", path.display());
            return Err(Error::usage(message).with_hint("a difference is drawn as .svg"));
        }
        Ok(Self {
            before: typed.before,
            after: typed.after,
            output,
            threshold: points / 100.0,
            filters: FilterConfig::new(typed.filters)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn config(arguments: &[&str]) -> Result<DiffConfig> {
        let cli = Cli::try_parse_from(["somno", "diff", "a", "b"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        let Command::Diff(typed) = cli.command else {
            unreachable!("it is diff")
        };
        DiffConfig::new(*typed)
    }

    /// Check the defaults, and that points become shares.
    #[test]
    fn options_are_converted() {
        let plain = config(&[]).expect("it is valid");
        assert!((plain.threshold - 0.005).abs() < 1e-12 && plain.output.is_none());
        let other = config(&["--threshold", "2", "-o", "-"]).expect("it is valid");
        assert!((other.threshold - 0.02).abs() < 1e-12);
        assert_eq!(other.output, Some(Destination::Stdout));
    }

    /// Check that what cannot be meant is refused with exit status 2.
    #[test]
    fn refusals() {
        for arguments in [
            &["-o", "x.folded"][..],
            &["-o", "x"],
            &["--threshold=-1"],
            &["--threshold", "101"],
            &["--threshold", "NaN"],
            &["--threshold", "much"],
            &["--module", "("],
        ] {
            let error = config(arguments).expect_err(&format!("{arguments:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{arguments:?}");
        }
    }
}
