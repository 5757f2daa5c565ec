//! Programs without symbols whose symbols are somewhere else. They are gone by the time when
//! these are looked for.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::Object as _;
use object::read::elf::ElfFile64;

use crate::machine::Machine;

const CHAIN: &str = "main;work;spin";

/// Where systems have debug files by build id.
const BY_BUILD_ID: &str = "/usr/lib/debug/.build-id";

/// Runs a program of binutils or such, with arguments that are separated by blanks, in a
/// directory.
pub(crate) fn run(directory: &Path, command: &str) {
    let mut words = command.split_whitespace();
    let program = words.next().expect("a command has a first word");
    let status = Command::new(program)
        .args(words)
        .current_dir(directory)
        .status()
        .unwrap_or_else(|error| panic!("{program}: {error}: see `make setup-test`"));
    assert!(status.success(), "{command}: {status}");
}

/// A directory with the fixture `brief` in it, whole.
pub(crate) fn room(machine: &Machine) -> PathBuf {
    let room = machine.path("room");
    fs::create_dir(&room)
        .and_then(|()| fs::copy(machine.fixture("brief").path(), room.join("whole")))
        .expect("the test's own directory is writable");
    room
}

/// Panics unless a program has its names when it has ended.
#[track_caller]
fn expect_names(machine: &Machine, room: &Path, program: &str) {
    let path = room.join(program);
    let path = path.to_str().expect("the target directory is UTF-8");
    let record = machine.record().program(path, &["running", "200"]);
    let (folded, _) = record.run().adds_up();
    let running = folded.of("running");
    running.expect_share(0.95.., |line| line.has("main;work"));
    running.expect_share(0.8.., |line| line.has(CHAIN));
}

/// A file that goes with its owner.
struct Installed(PathBuf);

impl Installed {
    fn copy(from: &Path, to: PathBuf) -> Self {
        let directory = to.parent().expect("it is in one");
        fs::create_dir_all(directory)
            .and_then(|()| fs::copy(from, &to))
            .unwrap_or_else(|error| panic!("{}: {error}", to.display()));
        Self(to)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        // The directories too, where nothing else is in them.
        let _ = fs::remove_file(&self.0);
        for directory in self.0.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// The path below [`BY_BUILD_ID`].
fn path_by_build_id(program: &Path) -> String {
    let mut path = hex_build_id(program);
    path.insert(2, '/');
    path + ".debug"
}

/// The build id of a program, as it is in paths.
pub(crate) fn hex_build_id(program: &Path) -> String {
    let data = fs::read(program).expect("it was just copied");
    let file = ElfFile64::<object::Endianness>::parse(&data[..]).expect("the compiler wrote it");
    let id = file.build_id().expect("its notes are right");
    let id = id.expect("the compiler gives build ids");
    id.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Check that a debug file is found by build id.
#[test]
fn by_build_id() {
    let machine = Machine::take();
    let room = room(&machine);
    run(&room, "objcopy --only-keep-debug whole whole.debug");
    run(&room, "strip -o stripped whole");
    let path = Path::new(BY_BUILD_ID).join(path_by_build_id(&room.join("whole")));
    let _installed = Installed::copy(&room.join("whole.debug"), path);
    expect_names(&machine, &room, "stripped");
}

/// Check that debug files are found by their link: beside the program and in the directory
/// that is for them.
#[test]
fn by_debug_link() {
    let machine = Machine::take();
    let room = room(&machine);
    fs::create_dir(room.join(".debug")).expect("the test's own directory is writable");
    run(&room, "objcopy --only-keep-debug whole beside.debug");
    run(&room, "objcopy --only-keep-debug whole .debug/inside.debug");
    for (name, file) in [
        ("beside", "beside.debug"),
        ("inside", ".debug/inside.debug"),
    ] {
        let link = format!("objcopy --strip-all --add-gnu-debuglink={file} whole {name}");
        run(&room, &link);
        expect_names(&machine, &room, name);
    }
}

/// Check that a debug file of another build is not believed, and does not take from a
/// program the names that it has itself.
#[test]
fn debug_file_of_another_build() {
    let machine = Machine::take();
    let room = room(&machine);
    let flags = ["-Dwork=other_work", "-Dspin=other_spin"];
    let other = machine.fixture_as("brief-other", "brief", &flags);
    run(&room, "objcopy --only-keep-debug whole linked.debug");
    run(
        &room,
        "objcopy --strip-debug --add-gnu-debuglink=linked.debug whole linked",
    );
    let replace = format!("objcopy --only-keep-debug {} linked.debug", other.path());
    run(&room, &replace);
    expect_names(&machine, &room, "linked");
}

/// Check that symbols that are compressed in the program itself are found.
#[test]
fn compressed_in_the_program() {
    let machine = Machine::take();
    let room = room(&machine);
    run(
        &room,
        "objcopy --strip-debug --remove-section=.comment whole small",
    );
    run(&room, "xz --keep small");
    run(
        &room,
        "objcopy --strip-all --add-section=.gnu_debugdata=small.xz whole stripped",
    );
    expect_names(&machine, &room, "stripped");
}

/// Check that debug information is read whichever way it is compressed.
#[test]
fn compressed_debug_information() {
    let machine = Machine::take();
    let room = room(&machine);
    for by in ["zlib-gabi", "zstd"] {
        // without the symbol table, so that only the debug information has names
        let compress = format!(
            "objcopy --compress-debug-sections={by} --strip-symbol=work --strip-symbol=spin whole {by}"
        );
        run(&room, &compress);
        expect_names(&machine, &room, by);
    }
}
