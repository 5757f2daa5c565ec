//! Completions of shells, as `make install` and packages take them.

use clap_complete::Shell;
use somno::command::completions::script;

use crate::{check_known, write_or_compare};

const DIRECTORY: &str = "assets/completions";

/// Shells, and what they want a script for somno to be called.
const FILES: [(Shell, &str); 3] = [
    (Shell::Bash, "somno.bash"),
    (Shell::Zsh, "_somno"),
    (Shell::Fish, "somno.fish"),
];

/// Check that the completions are those of the options that there are.
#[test]
fn completions_are_up_to_date() {
    for (shell, name) in FILES {
        write_or_compare(&format!("{DIRECTORY}/{name}"), &script(shell));
    }
    check_known(DIRECTORY, &FILES.map(|(_, name)| name.to_owned()));
}
