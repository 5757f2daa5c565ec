//! `somno diff`.

use std::path::PathBuf;

use clap::Args;

use super::filters::Filters;
use super::number;

/// Show what grew and what shrank between two recordings
#[derive(Debug, Args)]
#[command(
    after_help = "Shares are of each side's own total, so that recordings of different lengths can be\n\
        compared. A change marked * is more than three standard errors: sampling alone\n\
        would show it once in 370 times. How much two runs of the same program differ is\n\
        for a third recording to tell.\n\n\
        EXAMPLES:\n  \
        somno diff before.somno after.somno\n  \
        somno diff before.somno after.somno -o diff.svg --threshold 0.1"
)]
pub struct Diff {
    /// The recording to compare with
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The recording to compare
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Draw a flame graph of AFTER here (.svg), red where it grew and blue where it shrank
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Hide functions that changed by less, in percentage points [default: 0.5]
    #[arg(
        long,
        value_name = "PCT",
        value_parser = number::expected::<f64>("a number of percentage points")
    )]
    pub threshold: Option<f64>,
    /// Which samples, of both.
    #[command(flatten)]
    pub filters: Filters,
}
