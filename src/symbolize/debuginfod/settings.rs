//! What the environment says, under the names that elfutils' client gave it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take for [`super::download::LEAST`] bytes.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long all downloads of a recording may take.
const TOTAL: Duration = Duration::from_secs(600);
/// The largest file, in bytes.
const SIZE_MAX: u64 = 2 << 30;

/// Where to ask, and what that may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `DEBUGINFOD_URLS`.
    pub servers: Vec<Server>,
    /// `DEBUGINFOD_TIMEOUT`: a server that is silent or slow for longer is given up.
    pub patience: Duration,
    /// `DEBUGINFOD_MAXTIME`, here for all files together.
    pub total: Duration,
    /// `DEBUGINFOD_MAXSIZE`, of a file.
    pub size_max: u64,
    /// `DEBUGINFOD_CACHE_PATH`, or below the user's cache directory; shared with elfutils.
    pub cache: Option<PathBuf>,
}

/// A server, by the start of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(String);

impl Settings {
    /// Reads the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Takes variables; one that is no number above 0 counts as not set.
    #[must_use]
    pub fn new(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| variable(name)?.into_string().ok();
        let number = |name| {
            let number: u64 = text(name)?.trim().parse().ok()?;
            (number > 0).then_some(number)
        };
        let seconds = |name| number(name).map(Duration::from_secs);
        let directory = |name| {
            Some(PathBuf::from(
                variable(name).filter(|path| !path.is_empty())?,
            ))
        };
        let cache = directory("DEBUGINFOD_CACHE_PATH").or_else(|| {
            directory("XDG_CACHE_HOME")
                .or_else(|| Some(directory("HOME")?.join(".cache")))
                .map(|caches| caches.join("debuginfod_client"))
        });
        Self {
            servers: servers(&text("DEBUGINFOD_URLS").unwrap_or_default()),
            patience: seconds("DEBUGINFOD_TIMEOUT").unwrap_or(PATIENCE),
            total: seconds("DEBUGINFOD_MAXTIME").unwrap_or(TOTAL),
            size_max: number("DEBUGINFOD_MAXSIZE").unwrap_or(SIZE_MAX),
            cache,
        }
    }
}

/// What stands between blanks, each once, but for `ima:` policies, which are no servers.
fn servers(urls: &str) -> Vec<Server> {
    let mut servers = Vec::new();
    for url in urls.split_whitespace() {
        let server = Server(url.trim_end_matches('/').to_owned());
        if !url.starts_with("ima:") && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

impl Server {
    /// The address of the debug file of a build id.
    #[must_use]
    pub fn debug_file(&self, build_id: &str) -> String {
        format!("{}/buildid/{build_id}/debuginfo", self.0)
    }
}

/// Without a password, which may be in the address.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let separator = if scheme.is_empty() { "" } else { "://" };
        write!(f, "{scheme}{separator}{host}{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::new(|name| {
            let mut variables = variables.iter();
            variables.find_map(|(known, value)| (*known == name).then(|| value.into()))
        })
    }

    /// Check the defaults.
    #[test]
    fn defaults() {
        let settings = settings(&[("DEBUGINFOD_TIMEOUT", "soon"), ("DEBUGINFOD_MAXSIZE", "0")]);
        assert_eq!(settings.servers, []);
        assert_eq!(settings.patience, PATIENCE);
        assert_eq!(settings.total, TOTAL);
        assert_eq!(settings.size_max, SIZE_MAX);
        assert_eq!(settings.cache, None);
    }

    /// Check that servers are separated by blanks, and asked at the same address however
    /// they are written.
    #[test]
    fn servers_are_separated_by_blanks() {
        let settings = settings(&[(
            "DEBUGINFOD_URLS",
            " https://a.example/  ima:enforcing http://b.example/path https://a.example",
        )]);
        let addresses: Vec<_> = settings
            .servers
            .iter()
            .map(|server| server.debug_file("0a1b"))
            .collect();
        assert_eq!(
            addresses,
            [
                "https://a.example/buildid/0a1b/debuginfo",
                "http://b.example/path/buildid/0a1b/debuginfo"
            ]
        );
    }

    /// Check that the cache is where elfutils has it.
    #[test]
    fn cache_is_shared() {
        for (variables, path) in [
            (
                &[("DEBUGINFOD_CACHE_PATH", "/a"), ("XDG_CACHE_HOME", "/b")][..],
                Some("/a"),
            ),
            (
                &[("XDG_CACHE_HOME", "/b"), ("HOME", "/c")],
                Some("/b/debuginfod_client"),
            ),
            (
                &[("XDG_CACHE_HOME", ""), ("HOME", "/c")],
                Some("/c/.cache/debuginfod_client"),
            ),
            (&[], None),
        ] {
            let expected = path.map(PathBuf::from);
            assert_eq!(settings(variables).cache, expected, "{variables:?}");
        }
    }

    /// Check that nobody is told a password.
    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("https://me:secret@a.example/path", "https://a.example/path"),
            ("https://a.example/@path", "https://a.example/@path"),
            ("me:secret@a.example", "a.example"),
        ] {
            assert_eq!(Server(url.into()).to_string(), shown);
        }
    }
}
