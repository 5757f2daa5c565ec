//! Known stacks of calls into other modules, and of the loader that makes them possible.

use std::process::{Command, Stdio};

use crate::declared::{LONG_ENOUGH, expect_declared, sample};
use crate::machine::Machine;
use crate::process::Process;

/// Without the start files, whose functions have no unwind information.
const LIBRARY: &str = "gcc -O2 -fomit-frame-pointer -shared -fPIC -nostartfiles tiny.c";

/// Check that stacks are whole in stubs of the procedure linkage table.
#[test]
fn linkage_stubs() {
    let machine = Machine::take();
    let library = machine.flavour(LIBRARY);
    for command in [
        "gcc -O2 -fomit-frame-pointer -Wl,-z,lazy calling.c",
        "gcc -O2 -fomit-frame-pointer -Wl,-z,lazy -no-pie calling.c",
        "gcc -O2 -fomit-frame-pointer -Wl,-z,now calling.c",
        "gcc -O2 -fomit-frame-pointer -fcf-protection -Wl,-z,ibtplt calling.c",
    ] {
        let fixture = machine.flavour_with(command, &library);
        expect_declared(&machine, command, &fixture, "");
    }
}

/// Check that stacks are whole while the loader looks functions up, at every call.
#[test]
fn lazy_binding() {
    let machine = Machine::take();
    let library = machine.flavour(LIBRARY);
    let command = "gcc -O2 -fomit-frame-pointer -Wl,-z,lazy calling.c";
    let fixture = machine.flavour_with(command, &library);
    let process = Process::spawn(
        Command::new(fixture.path())
            .env("LD_BIND_NOT", "1")
            .stdout(Stdio::null()),
    );
    let folded = sample(&machine, &process, "", LONG_ENOUGH);
    folded.expect_share(0.5.., |line| {
        line.user_frames()
            .any(|frame| frame.contains("ld-linux") || frame.contains("_dl_"))
    });
    fixture.declared().expect(command, &folded);
}

/// Check that stacks in the vDSO are whole.
#[test]
fn vdso() {
    let machine = Machine::take();
    let command = "gcc -O2 -fomit-frame-pointer clock.c";
    expect_declared(&machine, command, &machine.flavour(command), "");
}
