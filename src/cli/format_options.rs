//! How a profile is written, beside the format.

use clap::Args;

use super::number;

/// Options of the formats that have a use for them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Format options")]
pub struct FormatOptions {
    /// Put this above [default: what was sampled]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Pixels from side to side of a flame graph [default: as wide as the window]
    #[arg(
        long,
        value_name = "PIXELS",
        value_parser = number::expected::<usize>("a number of pixels")
    )]
    pub width: Option<usize>,
    /// Colour by kind of code (kind), or by one of inferno's palettes (hot, java, rust, ...) [default: kind]
    #[arg(long, value_name = "PALETTE")]
    pub colors: Option<String>,
    /// Leave out frames of less than this percentage of the whole [default: 0.01]
    #[arg(long, value_name = "PCT", value_parser = number::expected::<f64>("a percentage"))]
    pub min_width: Option<f64>,
    /// Draw roots at the top
    #[arg(long)]
    pub icicle: bool,
    /// Keep stacks in order of time, do not merge them
    #[arg(long, conflicts_with = "reverse")]
    pub flamechart: bool,
    /// Turn stacks round: leaves at the root
    #[arg(long)]
    pub reverse: bool,
    /// Show the result in a browser: a flame graph, or a profile in the viewer it is for
    #[arg(long)]
    pub open: bool,
}
