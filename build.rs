//! Compiles `bpf/` and generates its skeleton in `OUT_DIR`.

use std::env;
use std::path::PathBuf;

use libbpf_cargo::SkeletonBuilder;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut builder = SkeletonBuilder::new();
    // Callbacks have the kernel's signature, whether they need all of it
    // or not; records end in arrays, which a union gives their room.
    builder.clang_args([
        "-mcpu=v3",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-unused-parameter",
        "-Wno-gnu-variable-sized-type-not-at-end",
    ]);
    builder
        .source("bpf/somno.bpf.c")
        .build_and_generate(out.join("somno.skel.rs"))
        .unwrap_or_else(|error| panic!("failed to compile bpf/somno.bpf.c: {error:#}"));
    builder
        .source("bpf/outside.bpf.c")
        .obj(out.join("outside.bpf.o"))
        .build()
        .unwrap_or_else(|error| panic!("failed to compile bpf/outside.bpf.c: {error:#}"));
    println!("cargo:rerun-if-changed=bpf");
}
