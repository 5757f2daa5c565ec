//! Known stacks of calls into other modules, and of the loader that makes them possible.

use std::process::{Command, Stdio};
use std::time::Duration;

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

/// Check the same for stubs of lld, which have no unwind information.
#[test]
fn linkage_stubs_of_lld() {
    let machine = Machine::take();
    let library = machine.flavour(LIBRARY);
    let command = "clang -O2 -fomit-frame-pointer -fuse-ld=lld calling.c";
    let fixture = machine.flavour_with(command, &library);
    expect_declared(&machine, command, &fixture, "");
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

/// Check that stacks are whole while libraries come and go and the memory map is
/// busy.
#[test]
fn reloaded_library() {
    let machine = Machine::take();
    let library = machine.flavour(LIBRARY);
    let command = "gcc -O2 -fomit-frame-pointer -pthread reloading.c";
    let fixture = machine.flavour(command);
    let process = fixture.start(&[library.path()]);
    let folded = sample(&machine, &process, "", Duration::from_secs(1));
    fixture.declared().expect(command, &folded);
}

/// Check that stacks in the vDSO are whole.
#[test]
fn vdso() {
    let machine = Machine::take();
    let command = "gcc -O2 -fomit-frame-pointer clock.c";
    expect_declared(&machine, command, &machine.flavour(command), "");
}

/// Check that stacks are whole from the loader's first instruction on. Those of the
/// exec that leads there are read where nothing may fault, and some are out of reach.
#[test]
fn loader() {
    let machine = Machine::take();
    let library = machine.flavour(LIBRARY);
    let command = "gcc -O2 -fomit-frame-pointer -Wl,-z,now starting.c";
    let fixture = machine.flavour_with(command, &library);
    let record = machine.record().options("-F 4999");
    let (folded, stats) = record.fixture(&fixture, "800").run().adds_up();
    stats.expect_no_loss();
    let folded = folded.of("starting");
    folded.expect_share(0.98.., |line| line.reason.is_none());
    let in_exec = |frame: &str| frame == "__x64_sys_execve_[k]";
    let loading = folded.only(|line| !line.kernel_frames().any(in_exec));
    fixture.declared().expect(command, &loading);
}
