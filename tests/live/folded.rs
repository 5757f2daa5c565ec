//! Folded stacks, taken apart, and what is said about them.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeBounds;

const REASONS: [&str; 9] = [
    "[no CFI]",
    "[bad CFI]",
    "[broken chain]",
    "[unreadable stack]",
    "[too deep]",
    "[exited]",
    "[exec]",
    "[pending]",
    "[lost]",
];

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) comm: String,
    /// Why the user stack stopped short, brackets included.
    pub(crate) reason: Option<String>,
    /// Root first, without the reason.
    pub(crate) frames: Vec<String>,
    pub(crate) count: u64,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let (stack, count) = text.rsplit_once(' ')?;
        let mut names = stack.split(';').map(str::to_owned).peekable();
        Some(Self {
            comm: names.next()?,
            reason: names.next_if(|name| REASONS.contains(&name.as_str())),
            frames: names.collect(),
            count: count.parse().ok()?,
        })
    }

    /// Whether these frames follow each other directly, written `a;b;c`.
    pub(crate) fn has(&self, chain: &str) -> bool {
        format!(";{};", self.frames.join(";")).contains(&format!(";{chain};"))
    }

    pub(crate) fn is_for(&self, reason: &str) -> bool {
        self.reason.as_deref() == Some(reason)
    }

    /// Whether the task was gone, or another program, when its stack was to be read.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.is_for("[exec]") || self.is_for("[exited]")
    }

    pub(crate) fn kernel_frames(&self) -> impl Iterator<Item = &str> {
        self.frames
            .iter()
            .map(String::as_str)
            .filter(|frame| frame.ends_with("_[k]"))
    }

    pub(crate) fn user_frames(&self) -> impl Iterator<Item = &str> {
        self.frames
            .iter()
            .map(String::as_str)
            .filter(|frame| !frame.ends_with("_[k]"))
    }

    /// Whether user code was interrupted, not the kernel on its behalf.
    pub(crate) fn is_user_mode(&self) -> bool {
        self.kernel_frames().next().is_none()
    }

    /// Whether any user frame is a function, not a place without a name.
    pub(crate) fn is_named(&self) -> bool {
        self.user_frames().any(|frame| !frame.starts_with('['))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("(complete)");
        let frames = self.frames.join(";");
        write!(f, "{} x {}: {reason} {frames}", self.count, self.comm)
    }
}

/// Folded lines.
#[derive(Clone, Debug)]
pub(crate) struct Folded(Vec<Line>);

impl Folded {
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            text.lines()
                .map(|line| {
                    Line::parse(line).unwrap_or_else(|| panic!("not a folded line: {line:?}"))
                })
                .collect(),
        )
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }

    /// How many samples there are, or nanoseconds.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|line| line.count).sum()
    }

    /// The lines of which something is true.
    pub(crate) fn only(&self, is: impl Fn(&Line) -> bool) -> Self {
        Self(self.0.iter().filter(|line| is(line)).cloned().collect())
    }

    /// The lines of threads of this name.
    pub(crate) fn of(&self, comm: &str) -> Self {
        self.only(|line| line.comm == comm)
    }

    /// The names of all threads.
    pub(crate) fn comms(&self) -> BTreeSet<&str> {
        self.0.iter().map(|line| line.comm.as_str()).collect()
    }

    /// The share of samples of which something is true; panics without samples.
    #[track_caller]
    pub(crate) fn share(&self, is: impl Fn(&Line) -> bool) -> f64 {
        let all = self.count();
        assert!(all > 0, "there are no samples to take a share of");
        self.only(is).count() as f64 / all as f64
    }

    /// Panics unless the share of samples of which something is true is in the
    /// range; then shows samples of which it is not.
    #[track_caller]
    pub(crate) fn expect_share(
        &self,
        expected: impl RangeBounds<f64> + fmt::Debug,
        is: impl Fn(&Line) -> bool,
    ) {
        let share = self.share(&is);
        assert!(
            expected.contains(&share),
            "a share of {share:.4} of {} samples is not in {expected:?}; not counted are\n{}",
            self.count(),
            self.only(|line| !is(line))
        );
    }

    /// Panics unless something is true of every sample, of which there is one at least.
    #[track_caller]
    pub(crate) fn expect_all(&self, is: impl Fn(&Line) -> bool) {
        self.expect_share(1.0..=1.0, is);
    }
}

/// The largest lines.
impl fmt::Display for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.count));
        for line in lines.iter().take(20) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
