//! `somno live`.

use clap::Args;

use super::look::Look;
use super::sampling::Sampling;

/// Sample a command, processes or the whole system, and show it live in the terminal
#[derive(Debug, Args)]
// time off the CPU is not shown live, which whoever types them is told
#[command(
    mut_arg("off_cpu", |option| option.hide(true)),
    mut_arg("wall", |option| option.hide(true)),
    mut_arg("wakers", |option| option.hide(true))
)]
#[command(after_help = "EXAMPLES:\n  \
        sudo somno live -a\n  \
        sudo somno live -p 1234\n  \
        sudo somno live -- make -j2\n\n\
        ? shows every key.")]
pub struct Live {
    /// What to sample and how.
    #[command(flatten)]
    pub sampling: Sampling,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
    /// Ask servers for debug files
    #[arg(
        help = "Ask the servers in DEBUGINFOD_URLS for debug files that are not here [off]",
        long,
        help_heading = "Output"
    )]
    pub debuginfod: bool,
}
