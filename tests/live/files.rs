//! Programs whose files are not where they were.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::machine::Machine;
use crate::process::Process;

/// Starts a copy of the fixture `named`, to whose file anything may happen.
fn start_copy(machine: &Machine, path: &Path) -> Process {
    fs::copy(machine.fixture("named").path(), path).expect("the test's own directory is writable");
    let process = Process::spawn(Command::new(path).arg("running").stdout(Stdio::null()));
    process.wait_for_comm("running".as_ref());
    process
}

fn expect_names(machine: &Machine, process: &Process) {
    let record = machine.record().options("-d 0.3s").process(process);
    let (folded, _) = record.run().adds_up();
    folded.expect_share(0.95.., |line| line.has("main;spin"));
}

/// Check that a program whose file was deleted has names.
#[test]
fn deleted_program_has_names() {
    let machine = Machine::take();
    let path = machine.path("program");
    let process = start_copy(&machine, &path);
    fs::remove_file(path).expect("it was there");
    expect_names(&machine, &process);
}

/// Check that a program whose file was replaced has its own names, not those of what
/// is there now.
#[test]
fn replaced_program_has_its_own_names() {
    let machine = Machine::take();
    let path = machine.path("program");
    let process = start_copy(&machine, &path);
    let other = machine.path("other");
    fs::copy(machine.fixture("chain").path(), &other).expect("the directory is writable");
    fs::rename(other, path).expect("a file just made can be renamed");
    expect_names(&machine, &process);
}

/// Check that a program on a file system that only its own mount namespace has has
/// names.
#[test]
fn program_in_another_mount_namespace_has_names() {
    let machine = Machine::take();
    let script = format!(
        "mount -t tmpfs none /mnt && cp {} /mnt/hidden && exec /mnt/hidden running",
        machine.fixture("named").path()
    );
    let mut command = Command::new("unshare");
    let process = Process::spawn(command.args(["--mount", "sh", "-c", &script]));
    process.wait_for_comm("running".as_ref());
    expect_names(&machine, &process);
}

/// Check that a program that is gone with its file by the end has names.
#[test]
fn program_gone_by_the_end_has_names() {
    let machine = Machine::take();
    let path = machine.path("program");
    let script = format!(
        "cp {} {path}; {path} running 0.3; rm {path}",
        machine.fixture("named").path(),
        path = path.display()
    );
    let (folded, _) = machine.record().shell(&script).run().adds_up();
    folded
        .of("running")
        .expect_share(0.95.., |line| line.has("main;spin"));
}
