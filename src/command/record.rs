//! `somno record`: capture, stitch, symbolize, write.

mod collect;
mod downloads;
mod finish;
mod naming;
mod storage;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::unistd::User;
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use self::collect::{Collected, Collector};
use self::finish::{Concluded, Outputs};
use self::naming::Namer;
use self::storage::Storage;
use self::target::{Attached, End};
use super::{Verbosity, complain, open, say};
use crate::bpf;
use crate::capture::cgroup::Cgroup;
use crate::capture::event_name::{self, EventSpec};
use crate::capture::perf::{Attributes, PerfEvent, Scope, Start};
use crate::capture::{Moments, Options, Session};
use crate::cli::record::Record;
use crate::config::{RecordConfig, TargetConfig};
use crate::error::{Context as _, Kind, Result};
use crate::event::{EventSource as _, Mode};
use crate::id::Tid;
use crate::proc::{machine, status};
use crate::profile::header::{self, EventInfo, Header, Unit};
use crate::profile::totals::{Own, Symbols, Totals};
use crate::recording::writer::Writer;
use crate::symbolize::debuginfod::settings::Settings;
use crate::time::{Rate, Timestamp};

/// How often the rings are looked at when nothing wakes us.
const ROUND: Duration = Duration::from_millis(100);
/// How often, and how long altogether, user halves are waited for at the end.
const LAST_ROUND: Duration = Duration::from_millis(5);
const LAST_ROUNDS: u32 = 20;
/// How often tasks that are still in the kernel are read from outside.
const LAST_PASSES: u32 = 2;
/// How long that may take, each time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Record, verbosity: Verbosity, started: Timestamp) -> Result<u8> {
    let config = RecordConfig::new(typed, user_id)?;
    let servers = config.debuginfod.then(Settings::from_environment);
    let mut outputs = Outputs::open(&config)?;
    let stop = stop_on_signals()?;
    let cgroup = match &config.target {
        TargetConfig::Cgroup(name) => Some(Cgroup::find(name)?),
        _ => None,
    };
    let (mut options, chosen) = capture_options(&config, verbosity);
    options.cgroup = cgroup.as_ref().map(Cgroup::id);

    if verbosity < Verbosity::Diagnostic {
        bpf::silence_libbpf();
    }
    let mut storage = bpf::Storage::new();
    let everything = matches!(config.target, TargetConfig::All | TargetConfig::Cgroup(_));
    let mut session = Session::load(&mut storage, &options, everything)?;
    let notes = notes(&config, &session, chosen, servers.as_ref());
    if verbosity > Verbosity::Quiet {
        for note in notes {
            say(&format!("somno: {note}"));
        }
    }

    let mut attached = Attached::attach(&mut session, &config, cgroup, &options)?;
    let header = header(&session, &options, attached.describe());
    let storage = outputs.store()?;
    let writer =
        Writer::new(storage.writer()?, &header).context(|| "write the recording".into())?;
    let began = Instant::now();
    let mut collector = Collector::new(writer, super::sudo_caller());
    let cpu_before = process_cpu();
    let end = sample(
        &limits(&config, &stop),
        &mut session,
        &mut attached,
        &mut collector,
    )?;
    session.disable(super::now())?;
    let duration = began
        .elapsed()
        .saturating_sub(config.delay.unwrap_or_default());
    drain(&mut session, &mut collector)?;
    let own = own(process_cpu().saturating_sub(cpu_before));

    let times = Times {
        started,
        duration,
        own,
    };
    // While the programs are loaded, the kernel has names for them.
    let naming = Namer {
        wanted: config.naming,
        servers: servers.map(|settings| {
            // sampling is over: the next signal gives up waiting for files, the one after it all
            stop.store(false, Ordering::Relaxed);
            downloads::client(settings, Arc::clone(&stop), verbosity)
        }),
        verbosity,
    };
    let page = outputs.page();
    let written = conclude(&mut session, collector, storage, &times, naming)
        .and_then(|concluded| outputs.write(&header, concluded, verbosity));
    drop(session);
    // From here on the first signal gives up: what was asked for is written.
    stop.store(true, Ordering::Relaxed);
    // It may be long before a command ends, so this is said now.
    written
        .as_ref()
        .err()
        .iter()
        .for_each(|error| complain(error));
    let status = attached.end(end)?;
    if let Some(page) = page.filter(|_| written.is_ok()) {
        // A signal now ends what is shown, not us.
        stop.store(false, Ordering::Relaxed);
        open::show(&page, verbosity)?;
    }
    Ok(if written.is_err() && status == 0 {
        Kind::Failed.exit_status()
    } else {
        status
    })
}

/// When and how long, and what it took.
struct Times {
    started: Timestamp,
    duration: Duration,
    own: Own,
}

/// Reads what is left, names everything, and ends the recording.
fn conclude(
    session: &mut Session<'_>,
    mut collector: Collector,
    storage: Storage,
    times: &Times,
    naming: Namer,
) -> Result<Concluded> {
    // What is no longer pending has been sent, so it is read after this.
    let pending = session.pending();
    session.read_events(&mut |event| collector.add(event))?;
    collector.end_round();
    let (collected, mut writer, written) = collector.finish(&pending);
    let totals = totals(session, &collected, times)?;
    let whole = writer.bytes();
    let finished = written.and_then(|()| {
        let names = naming.name(&mut writer, &collected)?;
        writer.finish(&pending, &totals)?;
        Ok(names)
    });
    match finished {
        Ok(names) => Ok(Concluded {
            storage,
            names,
            tally: collected.tally,
            totals,
        }),
        Err(error) => Err(storage.cut(&error, whole, times.duration)),
    }
}

fn totals(session: &Session<'_>, collected: &Collected, times: &Times) -> Result<Totals> {
    let counted = session.counted()?;
    let first = collected.tally.first.unwrap_or(times.started);
    let to_first = first.0.saturating_sub(times.started.0);
    Ok(Totals {
        duration: times.duration,
        lost: counted.lost,
        steps: counted.steps,
        off_cpu: counted.off_cpu,
        nmi_cost: counted.nmi_cost,
        own: times.own,
        symbols: Symbols {
            captured: collected.captured.complete(),
            ..counted.symbols
        },
        modules_seen: collected.files.seen(),
        start_to_first_sample: Duration::from_nanos(to_first),
        notices: collected.notices,
    })
}

/// What ends sampling, beside the target.
struct Limits<'a> {
    delay: Option<Duration>,
    duration: Option<Duration>,
    stop: &'a AtomicBool,
    /// Whether sampling must be begun here, not by the command's exec.
    enable: bool,
}

fn limits<'a>(config: &RecordConfig, stop: &'a AtomicBool) -> Limits<'a> {
    let command = matches!(config.target, TargetConfig::Command { .. });
    Limits {
        delay: config.delay,
        duration: config.duration,
        stop,
        enable: !command || config.delay.is_some(),
    }
}

/// Samples until the target, the time or a signal ends it.
fn sample(
    limits: &Limits<'_>,
    session: &mut Session<'_>,
    attached: &mut Attached,
    collector: &mut Collector,
) -> Result<End> {
    attached.release()?;
    let began = Instant::now();
    let begin_at = began + limits.delay.unwrap_or_default();
    let end_at = limits.duration.map(|duration| begin_at + duration);
    let mut enable = limits.enable;
    loop {
        let now = Instant::now();
        if enable && now >= begin_at {
            session.enable()?;
            enable = false;
        }
        let next = if enable { Some(begin_at) } else { end_at };
        let timeout = next.map_or(ROUND, |at| at.saturating_duration_since(now).min(ROUND));
        session.wait(&attached.descriptors(), timeout)?;
        read(session, collector)?;

        if collector.has_failed() {
            return Ok(End::Failed);
        }
        if limits.stop.load(Ordering::Relaxed) {
            return Ok(End::Signal);
        }
        if end_at.is_some_and(|at| Instant::now() >= at) {
            return Ok(End::Duration);
        }
        if attached.has_ended()? {
            return Ok(End::Target);
        }
    }
}

/// Reads what there is, and has nothing captured of files that could be opened.
fn read(session: &mut Session<'_>, collector: &mut Collector) -> Result<()> {
    session.read_events(&mut |event| collector.add(event))?;
    collector.end_round();
    for (module, opened) in collector.take_tried() {
        session.set_opened(module, opened);
    }
    Ok(())
}

/// Reads what is under way, and then what still waits in the kernel. A task that runs meanwhile
/// sends its stack itself, if it comes back in time; else it is tried once more.
fn drain(session: &mut Session<'_>, collector: &mut Collector) -> Result<()> {
    for _ in 0..LAST_PASSES {
        // What is lost by not reading these is counted as pending.
        let is_over = !is_under_way(session, collector)?;
        if is_over || !matches!(session.read_pending(PATIENCE), Ok(true)) {
            return Ok(());
        }
    }
    is_under_way(session, collector)?;
    Ok(())
}

/// Waits for callbacks, which come within microseconds where a task runs; tells whether any are
/// still to come.
fn is_under_way(session: &mut Session<'_>, collector: &mut Collector) -> Result<bool> {
    for _ in 0..LAST_ROUNDS {
        std::thread::sleep(LAST_ROUND);
        read(session, collector)?;
        if !collector.is_waiting() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first signal stops and writes, a second one gives up.
fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let ignored = status::ignored_signals();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // as nohup sets it for us, and a command inherits it; SIGINT a shell sets so
        // for all in the background, where it still is to stop us
        if signal == SIGHUP && ignored >> (signal - 1) & 1 == 1 {
            continue;
        }
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context(|| "handle signals".into())?;
    }
    Ok(stop)
}

/// Whether the event was named or had to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Named,
    Pmu,
    NoPmu,
}

fn capture_options(config: &RecordConfig, verbosity: Verbosity) -> (Options, Chosen) {
    let (event, chosen) = match (&config.event, config.moments) {
        (Some(event), _) => (event.clone(), Chosen::Named),
        (None, Moments::OnCpu) => default_event(),
        (None, _) => (clock(), Chosen::Named),
    };
    let command = matches!(config.target, TargetConfig::Command { .. });
    let options = Options {
        moments: config.moments,
        wakers: config.wakers,
        event,
        rate: config.rate,
        max_depth: config.max_depth,
        kernel_frames: config.kernel_frames,
        sleep: config.sleep,
        inherit: config.inherit,
        mark_nmi: verbosity >= Verbosity::Diagnostic,
        cpus: config.cpus.clone(),
        uid: config.uid,
        cgroup: None,
        comm: config.comm.clone(),
        start: if command && config.delay.is_none() {
            Start::AtExec
        } else {
            Start::ByCall
        },
    };
    (options, chosen)
}

fn clock() -> EventSpec {
    EventSpec::parse(event_name::CPU_CLOCK).expect("it is in the table")
}

/// `cycles` where a counter for them can be had, else the clock.
fn default_event() -> (EventSpec, Chosen) {
    let cycles = EventSpec::parse(event_name::CYCLES).expect("it is in the table");
    let attributes = Attributes {
        selector: cycles.selector,
        rate: Rate::Frequency(std::num::NonZeroU64::MIN),
        start: Start::ByCall,
        inherit: false,
    };
    match PerfEvent::open(&attributes, Scope::Thread(Tid(0))) {
        Ok(_) => (cycles, Chosen::Pmu),
        Err(_) => (clock(), Chosen::NoPmu),
    }
}

fn header(session: &Session<'_>, options: &Options, target: String) -> Header {
    let arguments = std::env::args_os();
    Header {
        version: env!("CARGO_PKG_VERSION").into(),
        command_line: arguments
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        target,
        mode: session.mode(),
        events: events(options),
        rate: options.rate,
        off_cpu_min: options.moments.off_cpu_min(),
        began_unix_ns: nanoseconds(ClockId::Realtime),
        began: Timestamp(nanoseconds(ClockId::Monotonic)),
        machine: machine::read(),
    }
}

/// What is sampled, in the order of the events' numbers.
fn events(options: &Options) -> Vec<EventInfo> {
    let event = |name: &str, unit| EventInfo {
        name: name.into(),
        unit,
    };
    let off_cpu = event(header::OFF_CPU, Unit::Nanoseconds);
    match options.moments {
        Moments::OnCpu => vec![event(&options.event.name, Unit::Samples)],
        Moments::OffCpu(_) => vec![off_cpu],
        Moments::Wall(_) => vec![event(header::ON_CPU, Unit::Nanoseconds), off_cpu],
    }
}

/// What a user should know about this run before it begins; each once.
fn notes(
    config: &RecordConfig,
    session: &Session<'_>,
    chosen: Chosen,
    servers: Option<&Settings>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if servers.is_some_and(|settings| settings.servers.is_empty()) {
        notes.push(downloads::NO_SERVERS.into());
    }
    if chosen == Chosen::NoPmu {
        notes.push("no PMU here: sampling by cpu-clock, a timer".into());
    }
    if session.mode() == Mode::Interrupt {
        notes.push(session.deferral().meaning().into());
    }
    let endless =
        config.duration.is_none() && !matches!(config.target, TargetConfig::Command { .. });
    if endless && std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        notes.push("sampling; Ctrl-C stops and writes".into());
    }
    notes
}

/// A user's number, from a number or a name.
fn user_id(user: &str) -> Option<u32> {
    user.parse()
        .ok()
        .or_else(|| Some(User::from_name(user).ok()??.uid.as_raw()))
}

/// What this process took, before symbols are read.
fn own(cpu: Duration) -> Own {
    let memory = status::own_memory();
    Own {
        cpu,
        peak_resident: memory.peak_resident,
        anonymous: memory.anonymous,
    }
}

/// CPU time of this process so far.
fn process_cpu() -> Duration {
    Duration::from_nanos(nanoseconds(ClockId::ProcessCPUTime))
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}
