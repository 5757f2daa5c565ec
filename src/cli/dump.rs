//! `somno dump`.

use clap::{ArgGroup, Args};

use super::doctor::Format;
use super::targets::{Narrowing, Targets};

/// Show the stacks of all threads now, without stopping any
#[derive(Clone, Debug, Args)]
#[command(
    group = ArgGroup::new("target").required(true).args(["pid", "tid", "cgroup", "all"]),
    after_help = "EXAMPLES:\n  \
        sudo somno dump -p 1234\n  \
        sudo somno dump -a --comm nginx\n  \
        sudo somno dump -p 1234 --format json | jq '.stacks[].threads | length'"
)]
pub struct Dump {
    /// What to look at.
    #[command(flatten)]
    pub targets: Targets,
    /// Which tasks of it.
    #[command(flatten)]
    pub narrowing: Narrowing,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}
