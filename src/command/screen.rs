//! Standard output as a person sees it: its colours, its width, and a pager for what is long.

use std::env;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anstream::{AutoStream, ColorChoice};
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use terminal_size::{Height, Width, terminal_size_of};

use crate::cli::Color;
use crate::error::{Context as _, Result};
use crate::report::look::Look;

/// The pager where `PAGER` names none, and what less is told where `LESS` tells nothing:
/// end when all is on one screen, let colours through, leave the text there. As git does.
const PAGER: &str = "less";
const LESS: &str = "FRX";

/// Statuses of a shell that could not start what it was told to.
const NOT_STARTED: [i32; 2] = [126, 127];

/// Where reports are shown.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// What it can show.
    pub look: Look,
    /// Lines from which a pager is started, where one may be.
    rows: Option<usize>,
}

impl Screen {
    /// Looks at standard output and at the environment.
    #[must_use]
    pub fn new(color: Color, no_pager: bool) -> Self {
        let stdout = io::stdout();
        let size = if stdout.is_terminal() {
            terminal_size_of(&stdout)
        } else {
            None
        };
        Self {
            look: Look {
                color: match color {
                    Color::Auto => AutoStream::choice(&stdout) != ColorChoice::Never,
                    Color::Always => true,
                    Color::Never => false,
                },
                unicode: is_utf8(|name| env::var(name).ok()),
                width: size.map(|(Width(columns), _)| columns.into()),
            },
            rows: size
                .filter(|_| !no_pager)
                .map(|(_, Height(rows))| rows.into()),
        }
    }

    /// Shows a text, in a pager where it is longer than the terminal. That nobody reads it
    /// to its end is no failure.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show(&self, text: &str) -> Result<()> {
        let is_long = self.rows.is_some_and(|rows| text.lines().count() >= rows);
        if is_long {
            let pager = env::var("PAGER").unwrap_or_else(|_| PAGER.into());
            let is_shown = page(text, &pager).context(|| format!("start the pager `{pager}`"))?;
            if is_shown {
                return Ok(());
            }
        }
        match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.context(|| "write the report".into()),
        }
    }
}

/// Shows a text in a pager; returns whether there was one.
fn page(text: &str, pager: &str) -> io::Result<bool> {
    if ["", "cat"].contains(&pager.trim()) {
        return Ok(false);
    }
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    // Ctrl-C is the pager's: it goes on, and so must we.
    flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
    let mut child = command.spawn()?;
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    let status = child.wait()?;
    if status
        .code()
        .is_some_and(|code| NOT_STARTED.contains(&code))
    {
        return Ok(false);
    }
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(true),
    }
}

/// Whether the locale's characters are UTF-8, by the variable that decides.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut values = names.into_iter().filter_map(variable);
    let decisive = values.find(|value| !value.is_empty());
    decisive.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the first variable that says anything decides.
    #[test]
    fn locales_are_understood() {
        for (variables, expected) in [
            (&[][..], false),
            (&[("LANG", "C.UTF-8")], true),
            (&[("LANG", "de_DE.utf8"), ("LC_ALL", "")], true),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "en_US.UTF-8")], true),
        ] {
            let get = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_utf8(get), expected, "{variables:?}");
        }
    }

    /// Check that a pager gets the text, that one that ends early is no failure, and that a
    /// missing one is noticed.
    #[test]
    fn pagers_are_started() {
        let room = tempfile::tempdir().expect("there is room for temporary files");
        let path = room.path().join("shown");
        let pager = format!("cat > '{}'", path.display());
        assert!(page("a text\n", &pager).expect("it starts"));
        let shown = std::fs::read_to_string(path).expect("the pager wrote it");
        assert_eq!(shown, "a text\n");

        let long = "line\n".repeat(100_000);
        assert!(page(&long, "true").expect("it starts"));
        for pager in ["", " cat ", "no-such-pager-here 2> /dev/null"] {
            assert!(!page(&long, pager).expect("the shell starts"), "{pager}");
        }
    }
}
