//! Files that are made from the command line's definition: `SOMNO_WRITE=1 cargo test --test
//! generated` writes them; without it, one that differs from what would be written fails.

mod completions;
mod manual;
mod roff;
mod sample;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// What has the files written instead of compared.
const WRITE: &str = "SOMNO_WRITE";

/// A file of the repository, by its path there.
fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Writes a file, or compares it with what would be written.
fn write_or_compare(name: &str, text: &str) {
    let path = path_of(name);
    if env::var_os(WRITE).is_some() {
        let directory = path.parent().expect("it is in a directory");
        fs::create_dir_all(directory).expect("the directory can be made");
        fs::write(&path, text).expect("the file can be written");
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{name} is stale: run {WRITE}=1 cargo test --test generated"
    );
}

/// Refuses files that nothing makes any more.
fn check_known(directory: &str, known: &[String]) {
    let entries = fs::read_dir(path_of(directory)).expect("the directory is there");
    for entry in entries {
        let entry = entry.expect("the directory can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.path().is_file();
        assert!(
            !is_file || known.contains(&name),
            "{directory}/{name} is made by nothing: remove it"
        );
    }
}
