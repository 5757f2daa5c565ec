//! Compiles `bpf/` and generates its skeleton in `OUT_DIR`.

use std::env;
use std::path::PathBuf;

use libbpf_cargo::SkeletonBuilder;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    SkeletonBuilder::new()
        .source("bpf/somno.bpf.c")
        // Callbacks have the kernel's signature, whether they need all of it
        // or not; records end in arrays, which a union gives their room.
        .clang_args([
            "-mcpu=v3",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-unused-parameter",
            "-Wno-gnu-variable-sized-type-not-at-end",
        ])
        .build_and_generate(out.join("somno.skel.rs"))
        .unwrap_or_else(|error| panic!("failed to compile bpf/somno.bpf.c: {error:#}"));
    println!("cargo:rerun-if-changed=bpf");
}
