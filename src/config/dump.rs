//! What `somno dump` is to do.

use super::sampling::named;
use super::{NarrowingConfig, TargetConfig};
use crate::cli::doctor::Format;
use crate::cli::dump::Dump;
use crate::error::{Error, Result};

/// What `somno dump` is to do.
#[derive(Clone, Debug)]
pub struct DumpConfig {
    /// What to look at.
    pub target: TargetConfig,
    /// Which tasks of it.
    pub narrowing: NarrowingConfig,
    /// For whom the text is.
    pub format: Format,
}

impl DumpConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: &Dump, user_id: impl Fn(&str) -> Option<u32>) -> Result<Self> {
        let target = named(&typed.targets)?;
        Ok(Self {
            target: target.ok_or_else(|| Error::usage("dump needs a target"))?,
            narrowing: NarrowingConfig::new(&typed.narrowing, user_id)?,
            format: typed.format,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::id::{Pid, Tid};
    use clap::Parser as _;

    fn config(arguments: &[&str]) -> Result<DumpConfig> {
        let cli = Cli::try_parse_from(["somno", "dump"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        let Command::Dump(typed) = cli.command else {
            unreachable!("it is dump")
        };
        DumpConfig::new(&typed, |name| name.parse().ok())
    }

    /// Check what is looked at by which option.
    #[test]
    fn targets() {
        for (arguments, target) in [
            (&["-a"][..], TargetConfig::All),
            (
                &["-p", "7,3,7"],
                TargetConfig::Processes(vec![Pid(3), Pid(7)]),
            ),
            (&["-t", "5"], TargetConfig::Threads(vec![Tid(5)])),
            (&["--cgroup", "a"], TargetConfig::Cgroup("a".into())),
        ] {
            assert_eq!(config(arguments).expect("valid").target, target);
        }
    }

    /// Check that what cannot be meant is refused with exit status 2.
    #[test]
    fn refusals() {
        for arguments in [
            &[][..],
            &["-a", "-p", "1"],
            &["-p", "0"],
            &["-p", "x"],
            &["-a", "--comm", "("],
            &["-a", "-u", "nobody-of-this-name"],
            &["-a", "--", "true"],
        ] {
            let error = config(arguments).expect_err(&format!("{arguments:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{arguments:?}");
        }
    }
}
