//! `somno completions`.

use clap::Args;
use clap_complete::Shell;

/// Write what a shell needs to complete somno's command lines
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
        somno completions bash > ~/.local/share/bash-completion/completions/somno\n  \
        somno completions zsh > ~/.zfunc/_somno\n  \
        somno completions fish > ~/.config/fish/completions/somno.fish")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}
