//! Sampling, from a configuration to the last event: the same for a recording and for the
//! live interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::Verbosity;
use super::target::{Attached, End};
use crate::capture::Session;
use crate::capture::cgroup::Cgroup;
use crate::capture::event_name::{self, EventSpec};
use crate::capture::kernel;
use crate::capture::options::{Moments, Options, Sampled};
use crate::capture::perf::{PerfEvent, Start};
use crate::config::{SamplingConfig, TargetConfig};
use crate::error::{Context as _, Error, Result};
use crate::event::{Event, EventSource as _, Mode};
use crate::id::ModuleId;
use crate::proc::{machine, status};
use crate::profile::header::{self, EventInfo, Header, Unit};
use crate::profile::totals::Own;
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

/// Whoever takes what is sampled.
pub(super) trait Sink {
    /// Takes an event.
    fn add(&mut self, event: Event);

    /// Ends a round of reading: whatever was written before it began has been added.
    fn end_round(&mut self, session: &Session<'_>);

    /// Whether samples wait for their user halves.
    fn is_waiting(&self) -> bool;

    /// The modules whose files were tried since the last call, and whether they could be opened.
    fn take_tried(&mut self) -> Vec<(ModuleId, bool)>;

    /// Takes notice of what cannot be done while all else goes on.
    fn warn(&mut self, error: &Error);

    /// Why there is no use in going on, where there is none.
    fn over(&self) -> Option<End>;
}

/// What ends sampling, beside the target.
pub(super) struct Limits<'a> {
    delay: Option<Duration>,
    duration: Option<Duration>,
    stop: &'a AtomicBool,
    /// Whether sampling must be begun here, not by the command's exec.
    enable: bool,
}

pub(super) fn limits<'a>(config: &SamplingConfig, stop: &'a AtomicBool) -> Limits<'a> {
    let command = matches!(config.target, TargetConfig::Command { .. });
    Limits {
        delay: config.delay,
        duration: config.duration,
        stop,
        enable: !command || config.delay.is_some(),
    }
}

/// Samples until the target, the time or a signal ends it. Also tells when it began.
pub(super) fn sample(
    limits: &Limits<'_>,
    session: &mut Session<'_>,
    attached: &mut Attached,
    sink: &mut dyn Sink,
) -> Result<(End, Instant)> {
    attached.release()?;
    let mut begin_at = Instant::now() + limits.delay.unwrap_or_default();
    let mut enable = limits.enable;
    loop {
        if enable && Instant::now() >= begin_at {
            session.enable()?;
            enable = false;
            begin_at = Instant::now();
        }
        let now = Instant::now();
        let end_at = limits.duration.map(|duration| begin_at + duration);
        let next = if enable { Some(begin_at) } else { end_at };
        let timeout = next.map_or(ROUND, |at| at.saturating_duration_since(now).min(ROUND));
        session.wait(&attached.descriptors(), timeout)?;
        read(session, sink)?;

        if let Some(end) = sink.over() {
            return Ok((end, begin_at));
        }
        if limits.stop.load(Ordering::Relaxed) {
            return Ok((End::Signal, begin_at));
        }
        if end_at.is_some_and(|at| Instant::now() >= at) {
            return Ok((End::Duration, begin_at));
        }
        if attached.has_ended()? {
            return Ok((End::Target, begin_at));
        }
    }
}

/// Reads what there is, and has nothing captured of files that could be opened.
fn read(session: &mut Session<'_>, sink: &mut dyn Sink) -> Result<()> {
    session.read_events(&mut |event| sink.add(event))?;
    session.limit_overhead(process_cpu());
    if let Some(error) = session.follow_cpus() {
        sink.warn(&error);
    }
    if !session.is_behind() {
        sink.end_round(session);
    }
    for (module, opened) in sink.take_tried() {
        session.set_opened(module, opened);
    }
    Ok(())
}

/// Reads what is under way, and then what still waits in the kernel. A task that comes back
/// meanwhile sends its stack itself; one that runs in the kernel when it is looked at is tried
/// once more. Gives what the kernel had against it, if anything: what is not read then is counted
/// as pending.
pub(super) fn drain(session: &mut Session<'_>, sink: &mut dyn Sink) -> Result<Option<Error>> {
    for _ in 0..LAST_PASSES {
        if !is_under_way(session, sink)? {
            return Ok(None);
        }
        match session.read_pending(PATIENCE, &mut |event| sink.add(event)) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Ok(Some(error)),
        }
    }
    is_under_way(session, sink)?;
    Ok(None)
}

/// Waits for callbacks, which come within microseconds where a task runs; tells whether any are
/// still to come.
fn is_under_way(session: &mut Session<'_>, sink: &mut dyn Sink) -> Result<bool> {
    for _ in 0..LAST_ROUNDS {
        std::thread::sleep(LAST_ROUND);
        read(session, sink)?;
        if !sink.is_waiting() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first signal stops and writes, a second one gives up.
pub(super) fn stop_on_signals() -> Result<Arc<AtomicBool>> {
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
pub(super) enum Chosen {
    Named,
    Pmu,
    NoPmu,
}

/// The cgroup that is to be sampled, if one is.
pub(super) fn cgroup(target: &TargetConfig) -> Result<Option<Cgroup>> {
    match target {
        TargetConfig::Cgroup(name) => Cgroup::find(name).map(Some),
        _ => Ok(None),
    }
}

/// Whether tasks are sampled whoever made them.
pub(super) fn is_everything(target: &TargetConfig) -> bool {
    matches!(target, TargetConfig::All | TargetConfig::Cgroup(_))
}

pub(super) fn capture_options(
    config: &SamplingConfig,
    cgroup: Option<&Cgroup>,
    verbosity: Verbosity,
) -> (Options, Chosen) {
    let (events, chosen) = match (&config.events[..], config.moments) {
        ([], Moments::OnCpu) => default_events(config.rate),
        ([], _) => (vec![at(clock(), config.rate)], Chosen::Named),
        (events, _) => (events.to_vec(), Chosen::Named),
    };
    let command = matches!(config.target, TargetConfig::Command { .. });
    let options = Options {
        moments: config.moments,
        wakers: config.wakers,
        events,
        max_depth: config.max_depth,
        kernel_frames: config.kernel_frames,
        sleep: config.sleep,
        inherit: config.inherit,
        max_overhead: config.max_overhead,
        mark_nmi: verbosity >= Verbosity::Diagnostic,
        variables: config.variables.clone(),
        cpus: config.narrowing.cpus.clone(),
        uid: config.narrowing.uid,
        cgroup: cgroup.map(Cgroup::id),
        comm: config.narrowing.comm.clone(),
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

fn at(event: EventSpec, rate: Rate) -> Sampled {
    Sampled { event, rate }
}

/// `cycles` where a counter for them can be had, else the clock.
fn default_events(rate: Rate) -> (Vec<Sampled>, Chosen) {
    let cycles = EventSpec::parse(event_name::CYCLES).expect("it is in the table");
    if PerfEvent::probe(&cycles.selector).is_ok() {
        (vec![at(cycles, rate)], Chosen::Pmu)
    } else {
        (vec![at(clock(), rate)], Chosen::NoPmu)
    }
}

pub(super) fn header(session: &Session<'_>, options: &Options, target: String) -> Header {
    let arguments = std::env::args_os();
    Header {
        version: env!("CARGO_PKG_VERSION").into(),
        command_line: arguments
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        target,
        mode: session.mode(),
        events: events(options),
        rate: first_rate(options),
        off_cpu_min: options.moments.off_cpu_min(),
        began_unix_ns: nanoseconds(ClockId::Realtime),
        began: Timestamp(nanoseconds(ClockId::Monotonic)),
        machine: machine::read(),
    }
}

/// The header of a recording that goes on with what another one began.
pub(super) fn begin_anew(header: &Header) -> Header {
    Header {
        began_unix_ns: nanoseconds(ClockId::Realtime),
        began: Timestamp(nanoseconds(ClockId::Monotonic)),
        ..header.clone()
    }
}

/// What is sampled, in the order of the events' numbers.
fn events(options: &Options) -> Vec<EventInfo> {
    let time = |name: &str| EventInfo {
        name: name.into(),
        unit: Unit::Nanoseconds,
        rate: None,
    };
    let of_all = first_rate(options);
    let counted = options.events.iter().map(|sampled| EventInfo {
        name: sampled.event.name.clone(),
        unit: Unit::Samples,
        rate: Some(sampled.rate).filter(|&rate| rate != of_all),
    });
    match options.moments {
        Moments::OnCpu => counted.collect(),
        Moments::OffCpu(_) => vec![time(header::OFF_CPU)],
        Moments::Wall(_) => vec![time(header::ON_CPU), time(header::OFF_CPU)],
        Moments::Now => Vec::new(),
    }
}

fn first_rate(options: &Options) -> Rate {
    let first = options.events.first();
    first.expect("one was chosen where none was named").rate
}

/// What a user should know about this way of sampling; each once.
pub(super) fn notes(session: &Session<'_>, chosen: Chosen) -> Vec<String> {
    let mut notes = Vec::new();
    if chosen == Chosen::NoPmu {
        notes.push("no PMU here: sampling by cpu-clock, a timer".into());
    }
    if session.mode() == Mode::Interrupt {
        notes.push(kernel::meaning(session.mode()).into());
    }
    notes
}

/// What this process took, before symbols are read.
pub(super) fn own(cpu: Duration) -> Own {
    let memory = status::own_memory();
    Own {
        cpu,
        peak_resident: memory.peak_resident,
        anonymous: memory.anonymous,
    }
}

/// CPU time of this process so far.
pub(super) fn process_cpu() -> Duration {
    Duration::from_nanos(nanoseconds(ClockId::ProcessCPUTime))
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}
