//! Progress on a terminal, of what takes over half a second.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
const STYLE: &str = "somno: {msg} {wide_bar} {pos}/{len}";

/// A bar that appears late, and only where somebody looks.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    since: Instant,
    bar: Option<ProgressBar>,
    is_wanted: bool,
}

impl Progress {
    /// Begins; nothing is shown yet.
    #[must_use]
    pub fn new(what: &'static str, is_wanted: bool) -> Self {
        Self {
            what,
            since: Instant::now(),
            bar: None,
            is_wanted: is_wanted && std::io::stderr().is_terminal(),
        }
    }

    /// Shows how many are done of how many.
    pub fn set(&mut self, done: usize, count: usize) {
        if self.bar.is_none() && self.is_wanted && self.since.elapsed() >= PATIENCE {
            let style = ProgressStyle::with_template(STYLE);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(0)
                .with_style(style)
                .with_message(self.what);
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(count as u64);
            bar.set_position(done as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
