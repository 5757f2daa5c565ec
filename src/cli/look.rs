//! How the terminal interface looks.

use clap::{Args, ValueEnum};

/// How it looks
#[derive(Clone, Copy, Debug, Args)]
pub struct Look {
    /// Colours [default: what fits the terminal; none where `NO_COLOR` is set]
    #[arg(
        help = "Colours [default: what fits the terminal; none where NO_COLOR is set]",
        long,
        value_enum,
        value_name = "THEME",
        help_heading = "Look"
    )]
    pub theme: Option<ThemeName>,
    /// Draw with ASCII only
    #[arg(long, help_heading = "Look")]
    pub ascii: bool,
}

/// Colours that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThemeName {
    /// For a dark background
    Dark,
    /// For a light background
    Light,
    /// No colours
    Mono,
}
