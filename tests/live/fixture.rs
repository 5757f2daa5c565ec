//! Programs whose stacks are known, compiled when a test first needs them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::Process;

const FLAGS: [&str; 4] = ["-O0", "-g", "-fno-omit-frame-pointer", "-pthread"];

/// A compiled fixture.
pub(crate) struct Fixture {
    path: PathBuf,
}

impl Fixture {
    /// Compiles `assets/fixtures/{name}.c`, unless that was done since the source
    /// changed. Other tests may be at it: the program appears whole.
    pub(crate) fn build(program: &Path, name: &str, flags: &[&str]) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("assets/fixtures")
            .join(name)
            .with_extension("c");
        if !is_newer(program, &source) {
            let unfinished = program.with_extension(std::process::id().to_string());
            let status = Command::new("cc")
                .args(FLAGS)
                .args(flags)
                .arg(&source)
                .arg("-o")
                .arg(&unfinished)
                .status()
                .expect("fixtures need a C compiler, `cc`");
            assert!(status.success(), "cc failed on {}", source.display());
            fs::rename(&unfinished, program).expect("a file just made can be renamed");
        }
        Self {
            path: program.to_owned(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("the target directory is UTF-8")
    }

    /// Runs it until the test ends it.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Process {
        Process::spawn(
            Command::new(&self.path)
                .args(arguments)
                .stdout(Stdio::null()),
        )
    }

    /// Runs it on one CPU until the test ends it.
    pub(crate) fn start_on_cpu<S: AsRef<OsStr>>(&self, cpu: u16, arguments: &[S]) -> Process {
        Process::spawn(
            Command::new("taskset")
                .args(["--cpu-list", &cpu.to_string()])
                .arg(&self.path)
                .args(arguments)
                .stdout(Stdio::null()),
        )
    }
}

fn is_newer(path: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    let source =
        modified(than).unwrap_or_else(|error| panic!("failed to find {}: {error}", than.display()));
    modified(path).is_ok_and(|program| program > source)
}
