//! Known stacks of code as compilers and linkers make it, without frame pointers.

use crate::declared::expect_declared;
use crate::machine::Machine;

/// Check that stacks are whole in what each C compiler makes at each level.
#[test]
fn compilers() {
    let machine = Machine::take();
    for command in [
        "gcc -O0 -fomit-frame-pointer plain.c",
        "gcc -O2 -fomit-frame-pointer plain.c",
        "gcc -O3 -fomit-frame-pointer plain.c",
        "gcc -O2 -fomit-frame-pointer -fcf-protection plain.c",
        "clang -O0 -fomit-frame-pointer plain.c",
        "clang -O2 -fomit-frame-pointer plain.c",
        "clang -O3 -fomit-frame-pointer plain.c",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks are whole in what Rust's compiler makes at each level.
#[test]
fn rust_compiler() {
    let machine = Machine::take();
    for command in [
        "rustc -O layers.rs",
        "rustc -Copt-level=3 -Cdebuginfo=2 layers.rs",
        "rustc -Copt-level=0 layers.rs",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks are whole however a program is linked.
#[test]
fn linkers() {
    let machine = Machine::take();
    for command in [
        "gcc -O2 -fomit-frame-pointer -no-pie plain.c",
        "gcc -O2 -fomit-frame-pointer -static -Wl,--eh-frame-hdr plain.c",
        "gcc -O2 -fomit-frame-pointer -static-pie plain.c",
        "gcc -O2 -fomit-frame-pointer -Wl,-z,separate-code plain.c",
        "gcc -O2 -fomit-frame-pointer -Wl,-z,noseparate-code plain.c",
        "clang -O2 -fomit-frame-pointer -fuse-ld=lld plain.c",
        "clang -O2 -fomit-frame-pointer -fuse-ld=lld -static plain.c",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks are whole where `.eh_frame` has no header that leads to it, which
/// gcc leaves out of static programs.
#[test]
fn no_header() {
    let machine = Machine::take();
    for command in [
        "gcc -O2 -fomit-frame-pointer -Wl,--no-eh-frame-hdr plain.c",
        "gcc -O2 -fomit-frame-pointer -static plain.c",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks are whole where frames are aligned and grow by a variable.
#[test]
fn realigned_frames() {
    let machine = Machine::take();
    for command in [
        "gcc -O0 -fomit-frame-pointer realigned.c",
        "gcc -O2 -fomit-frame-pointer realigned.c",
        "clang -O2 -fomit-frame-pointer realigned.c",
    ] {
        expect_declared(&machine, command, &machine.flavour(command), "");
    }
}

/// Check that stacks of hundreds of frames are whole.
#[test]
fn recursion() {
    let machine = Machine::take();
    for command in [
        "gcc -O2 -fomit-frame-pointer deep.c",
        "clang -O2 -fomit-frame-pointer deep.c",
    ] {
        let options = "--max-depth 600";
        expect_declared(&machine, command, &machine.flavour(command), options);
    }
}

/// Check that stacks end where threads begin.
#[test]
fn threads() {
    let machine = Machine::take();
    let command = "gcc -O2 -fomit-frame-pointer -pthread pool.c";
    expect_declared(&machine, command, &machine.flavour(command), "");
}
