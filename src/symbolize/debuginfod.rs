//! Debug files from servers, where there are none here: the protocol of elfutils'
//! debuginfod, its variables and its cache.
//!
//! What comes is not to be trusted: it is looked into only when it has the build id that
//! was asked for, and then by the same parsers that read what processes have mapped.

pub mod cache;
pub mod download;
pub mod settings;

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use blazesym::helper::read_elf_build_id;

use self::cache::{Cache, Cached, Unfinished};
use self::download::{Failure, Limits, Progress, download};
use self::settings::{Server, Settings};

/// Asks servers for debug files, and remembers what they said.
pub struct Debuginfod {
    settings: Settings,
    /// Those that were not given up, in the order in which they are asked.
    servers: Vec<Server>,
    cache: Option<Cache>,
    /// Build ids of which there is nothing.
    absent: HashSet<String>,
    /// When the first file was asked for.
    began: Option<Instant>,
    stop: Arc<AtomicBool>,
    tell: Box<dyn FnMut(Event<'_>) + Send>,
}

/// What a user may want to know.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A file is coming, for the module of this name.
    Coming(&'a str, Progress),
    /// No file is coming any more.
    Over,
    /// A file for the module of this name came from this server, with so many bytes.
    Came(&'a str, &'a Server, u64),
    /// It was in the cache.
    Cached(&'a str),
    /// A server is not asked any more, for this reason.
    GivenUp(&'a Server, &'a str),
    /// The file for the module of this name is larger than is wanted.
    TooLarge(&'a str),
    /// Files are not kept beyond this run: there can be no cache at this path.
    NoCache(&'a Path, &'a io::Error),
    /// What came could not be written.
    NotWritten(&'a str),
    /// No more files are asked for, because a signal came.
    Stopped,
    /// Likewise, because it took too long altogether.
    OutOfTime,
}

impl fmt::Debug for Debuginfod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debuginfod")
            .field("settings", &self.settings)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl Debuginfod {
    /// Makes a client that gives up when the flag is set, and tells what happens.
    #[must_use]
    pub fn new(
        settings: Settings,
        stop: Arc<AtomicBool>,
        mut tell: impl FnMut(Event<'_>) + Send + 'static,
    ) -> Self {
        let cache = settings.cache.as_ref().and_then(|path| {
            let cache = Cache::open(path);
            cache
                .map_err(|error| tell(Event::NoCache(path, &error)))
                .ok()
        });
        Self {
            servers: settings.servers.clone(),
            settings,
            cache,
            absent: HashSet::new(),
            began: None,
            stop,
            tell: Box::new(tell),
        }
    }

    /// How long nothing may come of a server.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.settings.patience
    }

    /// Finds the debug file of a build id, for the module of this name.
    pub fn find(&mut self, build_id: &[u8], module: &str) -> Option<File> {
        let hex = hexadecimal(build_id);
        if self.absent.contains(&hex) {
            return None;
        }
        match self.cache.as_ref().map(|cache| cache.look_up(&hex)) {
            Some(Cached::File(file)) if has_build_id(&file, build_id) => {
                (self.tell)(Event::Cached(module));
                return Some(file);
            }
            Some(Cached::Absent) => {
                self.absent.insert(hex);
                return None;
            }
            _ => {}
        }
        let found = self.ask_all(&hex, build_id, module);
        (self.tell)(Event::Over);
        if found.is_none() {
            self.absent.insert(hex);
        }
        found
    }

    fn ask_all(&mut self, hex: &str, build_id: &[u8], module: &str) -> Option<File> {
        let mut all_have_none = self.servers == self.settings.servers;
        for server in self.servers.clone() {
            if !self.servers.contains(&server) {
                continue;
            }
            match self.ask(&server, hex, build_id, module) {
                Ok(file) => return Some(file),
                Err(Failure::NotFound) => {}
                Err(failure) => {
                    all_have_none = false;
                    self.tell_failure(&server, module, &failure);
                }
            }
        }
        if all_have_none
            && let Some(cache) = &self.cache
            && let Ok(nothing) = cache.create(hex)
        {
            nothing.keep();
        }
        None
    }

    fn ask(
        &mut self,
        server: &Server,
        hex: &str,
        build_id: &[u8],
        module: &str,
    ) -> Result<File, Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Stopped);
        }
        let not_written = |error: io::Error| Failure::NotWritten(error.to_string());
        let unfinished = match &self.cache {
            Some(cache) => cache.create(hex),
            None => Unfinished::for_this_run(),
        };
        let unfinished = unfinished.map_err(not_written)?;
        let limits = Limits {
            patience: self.settings.patience,
            until: *self.began.get_or_insert_with(Instant::now) + self.settings.total,
            size_max: self.settings.size_max,
            stop: &self.stop,
        };
        let url = server.debug_file(hex);
        let tell = &mut self.tell;
        let len = download(url, &unfinished.file, &limits, &mut |progress| {
            tell(Event::Coming(module, progress));
        })?;
        if !has_build_id(&unfinished.file, build_id) {
            let why = format!("what it has for {module} has another build id");
            return Err(Failure::Server(why));
        }
        let file = unfinished.file.try_clone().map_err(not_written)?;
        unfinished.keep();
        (self.tell)(Event::Over);
        (self.tell)(Event::Came(module, server, len));
        Ok(file)
    }

    /// Tells of what will not be tried again, and sees to it that it is not.
    fn tell_failure(&mut self, server: &Server, module: &str, failure: &Failure) {
        let tell = &mut self.tell;
        tell(Event::Over);
        match failure {
            Failure::NotFound => {}
            Failure::TooLarge => tell(Event::TooLarge(module)),
            Failure::Server(why) => {
                tell(Event::GivenUp(server, why));
                self.servers.retain(|other| other != server);
            }
            Failure::NotWritten(why) => tell(Event::NotWritten(why)),
            Failure::Stopped => tell(Event::Stopped),
            Failure::OutOfTime => tell(Event::OutOfTime),
        }
        if matches!(
            failure,
            Failure::NotWritten(_) | Failure::Stopped | Failure::OutOfTime
        ) {
            self.servers.clear();
        }
    }
}

/// A path that leads to an open file.
#[must_use]
pub fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn has_build_id(file: &File, build_id: &[u8]) -> bool {
    read_elf_build_id(&path_of(file)).is_ok_and(|found| found.as_deref() == Some(build_id))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
