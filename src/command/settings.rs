//! The configuration file: which one counts, and what it says.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser as _};

use super::say;
use crate::cli::{Cli, hints};
use crate::config::file::{Settings, without_requirements};
use crate::error::{Context as _, Error, Kind, Result};

/// Below the directory of a user's configuration.
const OF_USER: &str = "somno/somno.toml";
const OF_SYSTEM: &str = "/etc/somno.toml";

/// Write permission of the group and of others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// What is to be done, and what of it was not typed.
#[derive(Debug)]
pub struct Arguments {
    /// Everything, as if it had been typed.
    pub cli: Cli,
    /// What a configuration file set, in words.
    from_file: Option<String>,
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum Refused {
    /// What was typed: clap says it, help and version included.
    Typed(Box<clap::Error>),
    /// What is in the file, or that it cannot be read.
    File(Error),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Typed(Box::new(error))
    }
}

impl Arguments {
    /// Reads the command line, and the configuration file for what is not on it.
    ///
    /// # Errors
    /// What cannot be used of either.
    pub fn read(words: impl Iterator<Item = OsString>) -> Result<Self, Refused> {
        let words: Vec<_> = words.collect();
        Self::of(&words).map_err(|refused| match refused {
            Refused::Typed(error) => Refused::from(hints::guide(*error, &words)),
            Refused::File(error) => Refused::File(error),
        })
    }

    fn of(words: &[OsString]) -> Result<Self, Refused> {
        let command = Cli::command();
        let lenient = without_requirements(command.clone());
        let Ok(typed) = lenient.try_get_matches_from(words) else {
            let cli = Cli::try_parse_from(words)?;
            return Ok(Self {
                cli,
                from_file: None,
            });
        };
        let (settings, from_file) = match file(&typed).map_err(Refused::File)? {
            None => (Settings::default(), None),
            Some((name, text)) => {
                let settings = Settings::read(&command, &text, &name).map_err(Refused::File)?;
                let names = settings.names(&command, &typed).join(", ");
                let said = format!("`{name}` sets {names}");
                (settings, Some(said).filter(|_| !names.is_empty()))
            }
        };
        let mut matches = settings
            .apply(command, &typed)
            .try_get_matches_from(words)?;
        let cli = Cli::from_arg_matches_mut(&mut matches)?;
        Ok(Self { cli, from_file })
    }

    /// Adds to what cannot be used that it may not have been typed.
    #[must_use]
    pub fn explain(from_file: Option<String>, error: Error) -> Error {
        match from_file {
            Some(said) if error.kind() == Kind::Usage && error.hint().is_none() => {
                error.with_hint(said)
            }
            _ => error,
        }
    }

    /// Parts what is to be done from where it came from.
    #[must_use]
    pub fn into_parts(self) -> (Cli, Option<String>) {
        (self.cli, self.from_file)
    }
}

/// The file that counts, by its name and its content.
fn file(typed: &ArgMatches) -> Result<Option<(String, String)>> {
    if let Some(path) = typed.get_one::<PathBuf>("config") {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).context(|| format!("read `{name}`"))?;
        return Ok(Some((name, text)));
    }
    for path in candidates(|name| std::env::var_os(name)) {
        let name = path.display().to_string();
        match read_if_believed(&path).context(|| format!("read `{name}`"))? {
            Some(Found::Believed(text)) => return Ok(Some((name, text))),
            Some(Found::NotBelieved) if !typed.get_flag("quiet") => say(&format!(
                "somno: ignored `{name}`, which others than root can change; --config reads it"
            )),
            _ => {}
        }
    }
    Ok(None)
}

/// A file that nobody named.
enum Found {
    Believed(String),
    NotBelieved,
}

/// Reads a file, where there is one that this user can see.
fn read_if_believed(path: &Path) -> io::Result<Option<Found>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            return match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => {
                    Ok(None)
                }
                _ => Err(error),
            };
        }
    };
    if !is_believed(&file.metadata()?) {
        return Ok(Some(Found::NotBelieved));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(Found::Believed(text)))
}

/// Where a file is looked for; the first one counts.
///
/// Source: the XDG Base Directory Specification, by which a relative path counts as none.
fn candidates(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let directory = |name: &str| Some(PathBuf::from(variable(name)?)).filter(|p| p.is_absolute());
    let of_user = directory("XDG_CONFIG_HOME")
        .or_else(|| Some(directory("HOME")?.join(".config")))
        .map(|directory| directory.join(OF_USER));
    of_user.into_iter().chain([OF_SYSTEM.into()]).collect()
}

/// Whether a file that nobody named is followed. By root only one that root alone can
/// change: who may run somno as root with certain options only, by sudo's rules, could
/// otherwise have it write any file.
fn is_believed(metadata: &Metadata) -> bool {
    !rustix::process::geteuid().is_root() || is_roots(metadata.uid(), metadata.mode())
}

fn is_roots(owner: u32, mode: u32) -> bool {
    owner == 0 && mode & WRITABLE_BY_OTHERS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the user's own file comes first, where the environment tells a place.
    #[test]
    fn places_are_known() {
        for (variables, expected) in [
            (&[("HOME", "/h")][..], "/h/.config/somno/somno.toml"),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")],
                "/x/somno/somno.toml",
            ),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "x")],
                "/h/.config/somno/somno.toml",
            ),
            (&[("HOME", "")], OF_SYSTEM),
            (&[], OF_SYSTEM),
        ] {
            let get = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let places = candidates(get);
            assert_eq!(places.first(), Some(&PathBuf::from(expected)));
            assert_eq!(places.last(), Some(&PathBuf::from(OF_SYSTEM)));
        }
    }

    /// Check that root follows only what root alone can change.
    #[test]
    fn files_of_others_are_not_believed() {
        for (owner, mode, expected) in [
            (0, 0o100_644, true),
            (0, 0o100_600, true),
            (1000, 0o100_644, false),
            (0, 0o100_664, false),
            (0, 0o100_646, false),
        ] {
            assert_eq!(is_roots(owner, mode), expected, "{owner} {mode:o}");
        }
    }
}
