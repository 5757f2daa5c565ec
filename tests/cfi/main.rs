//! Compares the rows that the kernel side finds with gimli's, over every FDE of
//! real binaries. The kernel side's headers are compiled as ordinary C for it.
//!
//! `cargo test` takes some libraries; `make test-cfi` takes the largest as well,
//! named in FILES, separated by spaces.

mod image;
mod mutations;
mod random;
mod reasons;
mod reference;
mod rows;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use image::Image;
use rows::Finder;

/// What every Debian or Ubuntu with a compiler has.
const COMMON: [&str; 5] = [
    "libc.so.6",
    "ld-linux-x86-64.so.2",
    "libm.so.6",
    "libstdc++.so.6",
    "libgcc_s.so.1",
];

/// Small ones.
const MUTATED: [&str; 3] = ["ld-linux-x86-64.so.2", "libm.so.6", "libstdc++.so.6"];

/// Check that every row is gimli's: of the C and C++ libraries, perl and python, or of FILES.
#[test]
fn rows_equal_gimli() {
    let paths: Vec<_> = match env::var("FILES") {
        Ok(files) => files.split_whitespace().map(PathBuf::from).collect(),
        Err(_) => common(),
    };
    compare(&paths);
}

/// Check that changed bytes in small binaries have both accept the same rows, and that
/// where only one accepts there is a known reason. MUTATIONS says how many for each.
#[test]
fn mutations_equal_gimli() {
    let mutations = env::var("MUTATIONS").map_or(20_000, |number| {
        number.parse().expect("MUTATIONS is a number")
    });
    let finder = Finder::compile();
    for (name, seed) in MUTATED.into_iter().zip(1..) {
        let path = library(name).expect("the C library is there");
        let tally = mutations::compare(&finder, Image::load(&path), mutations, seed);
        println!("{}: {tally:?}", path.display());
        assert!(
            tally.equal > mutations / 4,
            "too few mutations leave a row: {tally:?}"
        );
    }
}

fn common() -> Vec<PathBuf> {
    let mut paths: Vec<_> = COMMON.iter().filter_map(|name| library(name)).collect();
    paths.extend(["/usr/bin/perl", "/usr/bin/python3"].map(PathBuf::from));
    paths.retain(|path| path.exists());
    assert!(paths.len() >= 3, "too few binaries to compare: {paths:?}");
    paths
}

fn compare(paths: &[PathBuf]) {
    let finder = Finder::compile();
    let mut all = 0;
    for path in paths {
        let image = Image::load(path);
        let tally = rows::compare(&finder, &image);
        println!(
            "{}: {} rows of {} FDEs equal, {} with expressions",
            path.display(),
            tally.rows,
            tally.fdes,
            tally.expressions
        );
        all += tally.rows;
    }
    println!("{all} rows compared, 0 differ");
    assert!(all > 10_000, "too few rows were compared: {all}");
}

/// Where the compiler finds a library.
fn library(name: &str) -> Option<PathBuf> {
    let output = Command::new("cc")
        .arg(format!("-print-file-name={name}"))
        .output()
        .expect("cc runs");
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    path.is_absolute().then_some(path)
}
