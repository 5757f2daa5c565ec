//! `somno doctor`: what can be done here.

use super::write_stdout;
use crate::capture::doctor;
use crate::cli::doctor::{Doctor, Format};
use crate::error::Result;
use crate::report::doctor as report;

/// Runs the sub-command and returns the exit status: 1 when nothing can be captured.
///
/// # Errors
/// When the report cannot be written.
pub fn run(typed: &Doctor) -> Result<u8> {
    let checks = doctor::examine();
    let text = match typed.format {
        Format::Text => report::text(&checks),
        Format::Json => report::json(&checks),
    };
    write_stdout(&text, "the report")?;
    Ok(u8::from(!doctor::can_capture(&checks)))
}
