//! Programs whose stacks are known, compiled when a test first needs them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::declared::Declared;
use crate::process::Process;

const FLAGS: [&str; 4] = ["-O0", "-g", "-fno-omit-frame-pointer", "-pthread"];

/// Fixtures that declare their stacks, built in many ways.
const FLAVOURED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fixtures/stacks");

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fixtures");

/// A compiled fixture.
pub(crate) struct Fixture {
    path: PathBuf,
}

impl Fixture {
    /// Compiles `assets/fixtures/{name}.c`, unless that was done since a source
    /// changed. Other tests may be at it: the program appears whole.
    pub(crate) fn build(program: &Path, name: &str, flags: &[&str]) -> Self {
        let source = Path::new(FIXTURES).join(name).with_extension("c");
        if !is_newer_than_all_of(program, Path::new(FIXTURES)) {
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

    /// Compiles a fixture of `assets/fixtures/stacks` by a command that ends in its
    /// source, into a directory of its own below `programs`.
    pub(crate) fn build_flavour(programs: &Path, command: &str, library: Option<&Self>) -> Self {
        let directory = programs.join(command.replace(' ', "_"));
        let mut words = command.split(' ');
        let compiler = words.next().expect("a command has a first word");
        let source = words.next_back().expect("a command has a source");
        let program = directory.join(Path::new(source).with_extension(""));
        if !is_newer_than_all_of(&program, Path::new(FLAVOURED)) {
            fs::create_dir_all(&directory).expect("the target directory is writable");
            let unfinished = program.with_extension(std::process::id().to_string());
            let status = Command::new(compiler)
                .current_dir(FLAVOURED)
                .args(words)
                .arg(source)
                .args(library.map(Self::path))
                .arg("-o")
                .arg(&unfinished)
                .status()
                .unwrap_or_else(|error| panic!("this fixture needs {compiler}: {error}"));
            assert!(status.success(), "failed to compile: {command}");
            fs::rename(&unfinished, &program).expect("a file just made can be renamed");
        }
        Self { path: program }
    }

    /// The stacks that it says it has.
    pub(crate) fn declared(&self) -> Declared {
        let output = Command::new(&self.path)
            .arg("--chain")
            .output()
            .expect("a program that was just compiled can be run");
        Declared::parse(&String::from_utf8_lossy(&output.stdout))
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

fn is_newer_than_all_of(path: &Path, directory: &Path) -> bool {
    let entries = fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("failed to read {}: {error}", directory.display()));
    entries
        .map(|entry| entry.expect("a directory can be read on").path())
        .all(|file| is_newer(path, &file))
}
