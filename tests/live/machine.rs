//! The machine that a test has to itself.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::fixture::Fixture;
use crate::somno::Record;

/// `cargo test` runs tests side by side in one process; nextest has its own way.
static TAKEN: Mutex<()> = Mutex::new(());

/// Where everything that tests make goes.
const ROOM: &str = env!("CARGO_TARGET_TMPDIR");

/// Set where whoever runs tests knows which of them a kernel passes that cannot defer.
const FALLBACK: &str = "SOMNO_FALLBACK";

/// A machine that can capture, held by one test.
pub(crate) struct Machine {
    scratch: TempDir,
    /// Compiled programs, which stay for the next run.
    programs: PathBuf,
    _taken: MutexGuard<'static, ()>,
}

impl Machine {
    /// Waits for the machine; panics where nothing can be captured.
    pub(crate) fn take() -> Self {
        // A test that failed leaves nothing behind that the next one minds.
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            rustix::process::geteuid().is_root(),
            "live tests load programs into the kernel: run them as root"
        );
        let symbols = fs::read_to_string("/proc/kallsyms").expect("/proc/kallsyms is readable");
        assert!(
            symbols.contains("bpf_task_work_schedule_resume") || env::var_os(FALLBACK).is_some(),
            "live tests need a kernel that can defer, Linux 6.18 or later; this is {}",
            rustix::system::uname().release().to_string_lossy()
        );
        let programs = PathBuf::from(ROOM).join("fixtures");
        fs::create_dir_all(&programs).expect("the target directory is writable");
        Self {
            scratch: directory_in(Path::new(ROOM)),
            programs,
            _taken: taken,
        }
    }

    /// A program of `assets/fixtures`.
    pub(crate) fn fixture(&self, name: &str) -> Fixture {
        Fixture::build(&self.programs.join(name), name, &[])
    }

    /// A program of `assets/fixtures`, built under another name with more flags.
    pub(crate) fn fixture_as(&self, program: &str, name: &str, flags: &[&str]) -> Fixture {
        Fixture::build(&self.programs.join(program), name, flags)
    }

    /// Two builds of the library `twin`: other functions and other frames at the same places.
    pub(crate) fn twins(&self) -> (Fixture, Fixture) {
        let twin = |name: &str, room: u32| {
            let (name_flag, room_flag) = (format!("-DNAME={name}"), format!("-DROOM={room}"));
            let entry_flag = format!("-Wl,-e,{name}");
            let flags = ["-O1", "-fomit-frame-pointer", "-shared", "-fPIC"];
            let own = [name_flag.as_str(), room_flag.as_str(), entry_flag.as_str()];
            self.fixture_as(&format!("{name}.so"), "twin", &[&flags[..], &own].concat())
        };
        (twin("ping", 1000), twin("pong", 1500))
    }

    /// A program of `assets/fixtures/stacks`, by the command that compiles it.
    pub(crate) fn flavour(&self, command: &str) -> Fixture {
        Fixture::build_flavour(&self.programs, command, None)
    }

    /// The same, linked with a library.
    pub(crate) fn flavour_with(&self, command: &str, library: &Fixture) -> Fixture {
        Fixture::build_flavour(&self.programs, command, Some(library))
    }

    /// A `somno record` to be put together.
    pub(crate) fn record(&self) -> Record {
        Record::new(directory_in(self.scratch.path()))
    }

    /// A path that no one else uses.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}

/// A directory that goes with its owner.
fn directory_in(parent: &Path) -> TempDir {
    tempfile::Builder::new()
        .prefix("live-")
        .tempdir_in(parent)
        .expect("the target directory is writable")
}
