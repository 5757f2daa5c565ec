//! What is said of debug files that come from servers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::command::{Verbosity, say};
use crate::symbolize::debuginfod::download::Progress;
use crate::symbolize::debuginfod::settings::Settings;
use crate::symbolize::debuginfod::{Debuginfod, Event};

/// What takes longer has a line on a terminal.
const PATIENCE: Duration = Duration::from_millis(500);

/// Said before sampling where nobody can be asked.
pub(crate) const NO_SERVERS: &str = "--debuginfod: DEBUGINFOD_URLS names no server, so names come \
    from files that are here; set it, as in DEBUGINFOD_URLS=https://debuginfod.debian.net, and \
    have sudo pass it: sudo --preserve-env=DEBUGINFOD_URLS somno ...";

/// Makes a client that gives up when the flag is set.
pub(crate) fn client(
    settings: Settings,
    stop: Arc<AtomicBool>,
    verbosity: Verbosity,
) -> Debuginfod {
    let mut line = Line::default();
    Debuginfod::new(settings, stop, move |event| {
        if verbosity == Verbosity::Quiet {
            return;
        }
        match event {
            Event::Coming(module, progress) => line.show(module, progress),
            Event::Over => line.clear(),
            event => {
                if let Some(text) = text(event, verbosity) {
                    say(&format!("somno: debuginfod: {text}"));
                }
            }
        }
    })
}

/// Makes a client that has its lines told elsewhere than on standard error.
pub(crate) fn telling(
    settings: Settings,
    stop: Arc<AtomicBool>,
    mut tell: impl FnMut(String) + Send + 'static,
) -> Debuginfod {
    Debuginfod::new(settings, stop, move |event| {
        if let Some(text) = text(event, Verbosity::Normal) {
            tell(format!("debuginfod: {text}"));
        }
    })
}

fn text(event: Event<'_>, verbosity: Verbosity) -> Option<String> {
    let text = match event {
        Event::Coming(..) | Event::Over => return None,
        Event::Came(..) | Event::Cached(_) if verbosity < Verbosity::Verbose => return None,
        Event::Came(module, server, len) => {
            format!("{module} from {server}, {} MB", megabytes(len))
        }
        Event::Cached(module) => format!("{module} from the cache"),
        Event::GivenUp(server, why) => format!("{server} is not asked any more: {why}"),
        Event::TooLarge(module) => {
            format!("{module} is left out: it is larger than DEBUGINFOD_MAXSIZE (2 GiB if not set)")
        }
        Event::NoCache(path, why) => format!(
            "files are kept for this run only, not in {}: {why}",
            path.display()
        ),
        Event::NotWritten(why) => format!("given up: failed to write a file: {why}"),
        Event::Stopped => "given up on a signal; names come from files that are here".into(),
        Event::OutOfTime => {
            "given up after DEBUGINFOD_MAXTIME (600 s if not set); names come from files that are \
             here"
                .into()
        }
    };
    Some(crate::text::clean(&text))
}

/// A line about a download, on a terminal.
#[derive(Default)]
struct Line {
    began: Option<Instant>,
    bar: Option<ProgressBar>,
}

impl Line {
    fn show(&mut self, module: &str, progress: Progress) {
        let began = *self.began.get_or_insert_with(Instant::now);
        if began.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg}").expect("the template is right");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_style(style)
        });
        bar.set_message(coming(module, progress));
        bar.tick();
    }

    fn clear(&mut self) {
        self.began = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn coming(module: &str, progress: Progress) -> String {
    let came = megabytes(progress.came);
    match progress.total {
        Some(total) => format!("debuginfod: {module} {came} of {} MB", megabytes(total)),
        None => format!("debuginfod: {module} {came} MB"),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check what a terminal shows of a download.
    #[test]
    fn progress_is_spelled() {
        for (total, text) in [
            (Some(40_000_000), "debuginfod: libfoo.so 12.3 of 40.0 MB"),
            (None, "debuginfod: libfoo.so 12.3 MB"),
        ] {
            let came = 12_345_678;
            assert_eq!(coming("libfoo.so", Progress { came, total }), text);
        }
    }

    /// Check that which files came is said only to who wants to know more, and failures to
    /// all, without what a terminal obeys.
    #[test]
    fn failures_are_said() {
        let cached = Event::Cached("libfoo.so");
        assert_eq!(text(cached, Verbosity::Normal), None);
        let said = text(cached, Verbosity::Verbose);
        assert_eq!(said.as_deref(), Some("libfoo.so from the cache"));
        let failed = text(Event::NotWritten("a\x1bb"), Verbosity::Normal);
        assert!(failed.is_some_and(|text| text.ends_with("a?b")));
    }
}
