//! `somno live`: capture, stitch and symbolize while the terminal interface shows it.

mod feeder;
mod naming;
mod shared;

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::layout::Size;

use self::feeder::{About, Feeder};
use self::naming::Namer;
use self::shared::Shared;
use super::collected::Collected;
use super::sampling::{self, Chosen};
use super::target::{Attached, End};
use super::{Verbosity, downloads, interface, now, say};
use crate::bpf;
use crate::capture::Session;
use crate::capture::cgroup::Cgroup;
use crate::capture::console::Console;
use crate::capture::counted::Counted;
use crate::capture::options::Options;
use crate::cli::live::Live;
use crate::config::{LiveConfig, SamplingConfig, TargetConfig};
use crate::error::{Context as _, Error, Result};
use crate::privileges::{self, Left, grant};
use crate::proc::own;
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::report::summary;
use crate::symbolize::debuginfod::settings::Settings;
use crate::symbolize::precedence::{Precedence, lower_to};
use crate::time::Timestamp;
use crate::tui::layout::Areas;
use crate::tui::message::{ExportFormat, Health, News};
use crate::tui::model::{Model, Source};
use crate::tui::screen::output;
use crate::tui::terminal::{self, Taken};
use crate::tui::theme::Theme;
use crate::tui::{Host, update};

/// The interface's thread.
const INTERFACE: &str = "somno-view";
/// How often names are passed on once sampling is over.
const ROUND: Duration = Duration::from_millis(100);

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Live, verbosity: Verbosity, started: Timestamp) -> Result<u8> {
    let config = LiveConfig::new(typed, super::user_id)?;
    terminal::check("`somno record` samples without one")?;
    grant::check_capture()?;
    let cgroup = sampling::cgroup(&config.sampling.target)?;
    let (options, chosen) = sampling::capture_options(&config.sampling, cgroup.as_ref(), verbosity);
    bpf::silence_libbpf();
    own::use_one_heap();
    let mut storage = bpf::Storage::new();
    let everything = sampling::is_everything(&config.sampling.target);
    let mut session = Session::load(&mut storage, &options, everything)?;
    let (console, mut attached) = attach(&mut session, &config.sampling, cgroup, &options)?;
    let delay = config.sampling.delay.unwrap_or_default();
    let about = about(
        &session,
        &options,
        chosen,
        attached.describe(),
        started,
        delay,
    );
    privileges::keep_needed(Left::default())?;

    let shared = Shared::default();
    if let Some(console) = &console {
        read_console(console, shared.clone())?;
    }
    let namer = namer(&config, &shared)?;
    let collected = Collected::new(super::asker());
    let mut feeder = Feeder::new(shared.clone(), collected, namer, about.clone());
    let theme = interface::theme(config.look);
    let interface = show(&shared, console, &about, theme)?;

    let sampled = sample(
        &config.sampling,
        &mut session,
        &mut attached,
        &mut feeder,
        &shared,
    );
    let duration = about.began.elapsed();
    let end = match sampled {
        Ok(end) => end,
        Err(error) => {
            // what was sampled stays to be looked at; what failed first is what is told
            shared.end(error.to_string());
            let _ = join(interface);
            let _ = attached.end(End::Duration, Verbosity::Quiet);
            return Err(error);
        }
    };
    while !interface.is_finished() {
        thread::sleep(ROUND);
        feeder.pass_on();
    }
    let left = join(interface);
    let counted = session.counted()?;
    drop(session);
    // a command that is ended because the interface was left has not failed
    let end = if end == End::Signal {
        End::Duration
    } else {
        end
    };
    let status = attached.end(end, verbosity)?;
    left?;
    if verbosity > Verbosity::Quiet {
        say_result(&feeder.collected().tally, duration, &counted);
    }
    Ok(status)
}

fn attach(
    session: &mut Session<'_>,
    config: &SamplingConfig,
    cgroup: Option<Cgroup>,
    options: &Options,
) -> Result<(Option<Console>, Attached)> {
    let is_command = matches!(config.target, TargetConfig::Command { .. });
    let (console, terminal) = if is_command {
        let (columns, rows) = terminal::size();
        let body = Areas::of(Size::new(columns, rows)).body;
        let (console, terminal) = Console::open(body.width, body.height)?;
        (Some(console), Some(terminal))
    } else {
        (None, None)
    };
    let attached = Attached::attach(session, config, cgroup, options, terminal)?;
    Ok((console, attached))
}

fn about(
    session: &Session<'_>,
    options: &Options,
    chosen: Chosen,
    target: String,
    started: Timestamp,
    delay: Duration,
) -> About {
    About {
        header: sampling::header(session, options, target),
        notes: sampling::notes(session, chosen),
        started,
        began: Instant::now() + delay,
    }
}

/// Starts to look for names, with what is said of downloads going to the interface.
fn namer(config: &LiveConfig, shared: &Shared) -> Result<Namer> {
    let servers = config.debuginfod.then(|| {
        let shared = shared.clone();
        let settings = Settings::from_environment();
        if settings.servers.is_empty() {
            shared.say(downloads::NO_SERVERS.into());
        }
        let stop = Arc::new(AtomicBool::new(false));
        downloads::telling(settings, stop, move |line| shared.say(line))
    });
    Namer::start(servers)
}

/// Samples until the target or the interface ends it, and says so.
fn sample(
    config: &SamplingConfig,
    session: &mut Session<'_>,
    attached: &mut Attached,
    feeder: &mut Feeder,
    shared: &Shared,
) -> Result<End> {
    let stop = AtomicBool::new(false);
    let limits = sampling::limits(config, &stop);
    let (end, _) = sampling::sample(&limits, session, attached, feeder)?;
    let duration = feeder.duration();
    session.disable(now())?;
    // What still waits is pending: the right to read it from outside has been given up.
    let _ = sampling::drain(session, feeder)?;
    lower_to(Precedence::Ordinary);
    feeder.finish(session);
    feeder.tell_health(session, duration);
    match end {
        End::Target => shared.end(attached.describe_end()),
        End::Duration => shared.end("the time is over".into()),
        End::Signal | End::Failed => {}
    }
    Ok(end)
}

/// Passes on what the command writes, on a thread of its own, until it is gone.
fn read_console(console: &Console, shared: Shared) -> Result<()> {
    let mut reader = console.reader()?;
    let run = move || {
        let mut buffer = [0; 4096];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => shared.write(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // nobody has the other side any more
                Err(_) => return,
            }
        }
    };
    let thread = thread::Builder::new().name("somno-output".into());
    thread.spawn(run).context(|| "start a thread".into())?;
    Ok(())
}

/// Starts the interface, without privileges.
fn show(
    shared: &Shared,
    console: Option<Console>,
    about: &About,
    theme: Theme,
) -> Result<JoinHandle<Result<()>>> {
    let health = Health {
        header: about.header.clone(),
        tally: Tally::new(),
        totals: Totals::default(),
        notes: about.notes.clone(),
        threads: Vec::new(),
        named: 0,
        unnamed: Vec::new(),
        naming: 0,
    };
    let shared = shared.clone();
    let run = move || {
        let _leaving = Leaving(shared.clone());
        privileges::keep_none(super::sudo_caller_ids()).and_then(|()| {
            let store = update::empty_store(health.header.began);
            let mut model = Model::new(store, health, Source::Live, theme);
            model.output = console.as_ref().map(|_| output::State::default());
            let shared = shared.clone();
            interface::run(&mut model, |terminal| {
                Box::new(Capture {
                    shared,
                    console,
                    terminal,
                    size: (0, 0),
                })
            })
        })
    };
    let thread = thread::Builder::new().name(INTERFACE.into());
    thread.spawn(run).context(|| "start a thread".into())
}

/// Says that the interface was left when this is dropped: when it panics too, or else
/// sampling would go on for nobody.
struct Leaving(Shared);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn join(interface: JoinHandle<Result<()>>) -> Result<()> {
    let failed = |_| {
        Err(Error::failed(
            "failed to show anything: the interface panicked",
        ))
    };
    interface.join().unwrap_or_else(failed)
}

fn say_result(tally: &Tally, duration: Duration, counted: &Counted) {
    say(&format!(
        "somno: {} samples in {}, {}",
        tally.samples(),
        summary::duration(duration),
        summary::completeness(tally),
    ));
    let shortfalls = summary::shortfalls(tally, &counted.lost);
    let cut = summary::cut_symbols(&counted.symbols);
    for line in shortfalls.into_iter().chain(cut) {
        say(&format!("somno: {line}"));
    }
}

/// A capture that goes on beside the interface.
struct Capture {
    shared: Shared,
    console: Option<Console>,
    terminal: Taken,
    size: (u16, u16),
}

impl Host for Capture {
    fn news(&mut self) -> Option<News> {
        self.shared.take()
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn export(&mut self, model: &Model, format: ExportFormat) -> String {
        interface::export(model, format)
    }

    fn suspend(&mut self) -> Result<()> {
        self.terminal.suspend()
    }

    fn resized(&mut self, columns: u16, rows: u16) {
        if let Some(console) = &self.console
            && self.size != (columns, rows)
        {
            self.size = (columns, rows);
            console.resize(columns, rows);
        }
    }
}
