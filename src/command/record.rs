//! `somno record`: capture, stitch, symbolize, write.

mod collect;
mod finish;
mod naming;
mod storage;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use self::collect::Collector;
use self::finish::{Concluded, Outputs};
use self::naming::Namer;
use self::storage::Storage;
use super::collected::Collected;
use super::sampling::{self, Chosen, Sink as _};
use super::target::Attached;
use super::{Verbosity, complain, downloads, open, say};
use crate::bpf;
use crate::capture::Session;
use crate::cli::record::Record;
use crate::config::{RecordConfig, TargetConfig};
use crate::error::{Context as _, Kind, Result};
use crate::event::EventSource as _;
use crate::profile::totals::{Own, Symbols, Totals};
use crate::recording::writer::Writer;
use crate::symbolize::debuginfod::settings::Settings;
use crate::time::Timestamp;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Record, verbosity: Verbosity, started: Timestamp) -> Result<u8> {
    let config = RecordConfig::new(typed, sampling::user_id)?;
    let servers = config.debuginfod.then(Settings::from_environment);
    let mut outputs = Outputs::open(&config)?;
    let stop = sampling::stop_on_signals()?;
    let cgroup = sampling::cgroup(&config.sampling)?;
    let (options, chosen) = sampling::capture_options(&config.sampling, cgroup.as_ref(), verbosity);

    if verbosity < Verbosity::Diagnostic {
        bpf::silence_libbpf();
    }
    let mut storage = bpf::Storage::new();
    let everything = sampling::is_everything(&config.sampling);
    let mut session = Session::load(&mut storage, &options, everything)?;
    let notes = notes(&config, &session, chosen, servers.as_ref());
    if verbosity > Verbosity::Quiet {
        for note in notes {
            say(&format!("somno: {note}"));
        }
    }

    let mut attached = Attached::attach(&mut session, &config.sampling, cgroup, &options, None)?;
    let header = sampling::header(&session, &options, attached.describe());
    let storage = outputs.store()?;
    let writer =
        Writer::new(storage.writer()?, &header).context(|| "write the recording".into())?;
    let began = Instant::now();
    let mut collector = Collector::new(writer, super::sudo_caller());
    let cpu_before = sampling::process_cpu();
    let end = sampling::sample(
        &sampling::limits(&config.sampling, &stop),
        &mut session,
        &mut attached,
        &mut collector,
    )?;
    session.disable(super::now())?;
    let duration = began
        .elapsed()
        .saturating_sub(config.sampling.delay.unwrap_or_default());
    sampling::drain(&mut session, &mut collector)?;
    let own = sampling::own(sampling::process_cpu().saturating_sub(cpu_before));

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
    collector.end_round(session);
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
    notes.extend(sampling::notes(session, chosen));
    let endless = config.sampling.duration.is_none()
        && !matches!(config.sampling.target, TargetConfig::Command { .. });
    if endless && std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        notes.push("sampling; Ctrl-C stops and writes".into());
    }
    notes
}
