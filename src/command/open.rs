//! `--open`: has a browser show what was written.

mod browser;
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use self::server::Server;
use super::{Verbosity, say};
use crate::error::{Context as _, Result};
use crate::export::Format;

/// A file that a browser can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub format: Format,
}

/// An application on the web that reads profiles, in the browser, from a URL.
struct Viewer {
    /// Who the browser says that asks.
    origin: &'static str,
    /// What stands before the URL.
    prefix: &'static str,
}

const FIREFOX: Viewer = Viewer {
    origin: "https://profiler.firefox.com",
    prefix: "https://profiler.firefox.com/from-url/",
};

const SPEEDSCOPE: Viewer = Viewer {
    origin: "https://www.speedscope.app",
    prefix: "https://www.speedscope.app/#profileURL=",
};

/// Shows a file. Where its viewer is on the web, it is served to this machine until it was
/// fetched, or a signal comes.
///
/// # Errors
/// When the file cannot be read or served. That there is no browser is said, and no error.
pub fn show(page: &Page, verbosity: Verbosity) -> Result<()> {
    match page.format {
        Format::Firefox => serve(page, &FIREFOX, verbosity),
        Format::Speedscope => serve(page, &SPEEDSCOPE, verbosity),
        _ => {
            let path = fs::canonicalize(&page.path)
                .context(|| format!("find `{}`", page.path.display()))?;
            if !browser::open(&path.display().to_string()) {
                say(&format!("somno: no browser here; open {}", path.display()));
            }
            Ok(())
        }
    }
}

fn serve(page: &Page, viewer: &Viewer, verbosity: Verbosity) -> Result<()> {
    let content = fs::read(&page.path).context(|| format!("read `{}`", page.path.display()))?;
    let name = name(&page.path, page.format);
    let server = Server::new(&name, content, viewer.origin)
        .context(|| format!("serve `{}`", page.path.display()))?;
    let url = format!("{}{}", viewer.prefix, percent_encoded(&server.url()));
    let opened = browser::open(&url);
    if !opened {
        say(&format!("somno: no browser here; open {url}"));
    }
    if !opened || verbosity > Verbosity::Quiet {
        say("somno: serving the profile until it was fetched; Ctrl-C ends this");
    }
    server.run().context(|| "serve the profile".into())
}

/// What the viewer knows the file by: viewers look at how names end.
fn name(path: &Path, format: Format) -> String {
    let name = path.to_string_lossy();
    let mut extensions = format.extensions().iter();
    let extension = extensions.rfind(|extension| name.ends_with(**extension));
    format!("profile.{}", extension.unwrap_or(&format.extensions()[0]))
}

/// A text as part of a URL.
///
/// Source: RFC 3986, 2.3.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that a URL survives within another one.
    #[test]
    fn urls_are_encoded() {
        assert_eq!(
            percent_encoded("http://127.0.0.1:80/a/b.json?"),
            "http%3A%2F%2F127.0.0.1%3A80%2Fa%2Fb.json%3F"
        );
    }

    /// Check that viewers see how a file's name ends, and nothing else of it.
    #[test]
    fn names_tell_formats() {
        for (path, expected) in [
            ("/home/me/x.firefox.json.gz", "profile.firefox.json.gz"),
            ("x.firefox.json", "profile.firefox.json"),
            ("x", "profile.firefox.json"),
        ] {
            assert_eq!(name(Path::new(path), Format::Firefox), expected);
        }
    }
}
