//! `somno record`: capture, stitch, symbolize, write.

mod collect;
mod finish;
mod naming;
mod rotate;
mod segments;
mod storage;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::collect::{Collector, Ended, Failed, Segment};
use self::finish::{Concluded, Outputs};
use self::naming::Namer;
use self::rotate::Rotator;
use super::counts::Counts;
use super::sampling::{self, Chosen, Limits, Sink as _};
use super::target::{Attached, End};
use super::{Verbosity, complain, downloads, open, say};
use crate::bpf;
use crate::capture::Session;
use crate::cli::record::Record;
use crate::config::{RecordConfig, TargetConfig};
use crate::error::{Context as _, Error, Kind, Result};
use crate::event::EventSource as _;
use crate::privileges::{self, Left, grant};
use crate::proc::own;
use crate::profile::header::Header;
use crate::recording::writer::Writer;
use crate::symbolize::debuginfod::settings::Settings;
use crate::time::Timestamp;

/// Runs the sub-command and returns the exit status.
///
/// # Errors
/// Whatever fails.
pub fn run(typed: Record, verbosity: Verbosity, started: Timestamp) -> Result<u8> {
    let config = RecordConfig::new(typed, super::user_id)?;
    grant::check_capture()?;
    let servers = config.debuginfod.then(Settings::from_environment);
    let mut outputs = Outputs::open(&config)?;
    let stop = sampling::stop_on_signals()?;
    let cgroup = sampling::cgroup(&config.sampling.target)?;
    let (options, chosen) = sampling::capture_options(&config.sampling, cgroup.as_ref(), verbosity);

    if verbosity < Verbosity::Diagnostic {
        bpf::silence_libbpf();
    }
    own::use_one_heap();
    let mut storage = bpf::Storage::new();
    let everything = sampling::is_everything(&config.sampling.target);
    let mut session = Session::load(&mut storage, &options, everything)?;
    let mut attached = Attached::attach(&mut session, &config.sampling, cgroup, &options, None)?;
    let notes = notes(&config, &session, chosen, servers.as_ref());
    for note in notes.iter().filter(|_| verbosity > Verbosity::Quiet) {
        say(&format!("somno: {note}"));
    }
    let header = sampling::header(&session, &options, attached.describe());
    let (segment, rotator) = begin(&config, &mut outputs, &header)?;
    let left = outputs.left();
    privileges::keep_needed(left)?;
    let mut collector = Collector::new(segment, rotator, super::asker());
    let before = Counts::begin();
    let limits = sampling::limits(&config.sampling, &stop);
    let sampled = sample(&limits, &mut session, &mut attached, &mut collector);
    let Sampled {
        end,
        duration,
        kept_from_pending,
    } = match sampled {
        Ok(sampled) => sampled,
        Err(error) => return Err(collector.abandon(error)),
    };
    if let Some(error) = kept_from_pending.filter(|_| verbosity > Verbosity::Quiet) {
        complain(&error);
    }
    privileges::keep_needed(Left {
        pending: false,
        ..left
    })?;
    let times = Times {
        started,
        duration,
        before,
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
    let written = conclude(&mut session, collector, &times, naming)
        .and_then(|concluded| outputs.write(&header, concluded, verbosity));
    drop(session);
    // From here on the first signal gives up: what was asked for is written.
    stop.store(true, Ordering::Relaxed);
    if let Err(error) = written {
        // It may be long before a command ends, so this is said now.
        complain(&error);
        let status = attached.end(end, verbosity)?;
        return Ok(status.max(Kind::Failed.exit_status()));
    }
    let status = attached.end(end, verbosity)?;
    if let Some(page) = page {
        // A signal now ends what is shown, not us.
        stop.store(false, Ordering::Relaxed);
        open::show(&page, verbosity)?;
    }
    Ok(status)
}

/// Sampling, ended.
struct Sampled {
    end: End,
    duration: Duration,
    /// What the kernel had against reading what still waits.
    kept_from_pending: Option<Error>,
}

/// Samples, and reads what is under way when that ends.
fn sample(
    limits: &Limits<'_>,
    session: &mut Session<'_>,
    attached: &mut Attached,
    collector: &mut Collector,
) -> Result<Sampled> {
    let (end, began) = sampling::sample(limits, session, attached, collector)?;
    session.disable(super::now())?;
    let duration = began.elapsed();
    collector.end_rotation();
    let kept_from_pending = sampling::drain(session, collector)?;
    Ok(Sampled {
        end,
        duration,
        kept_from_pending,
    })
}

/// When and how long, and what had been counted before.
struct Times {
    started: Timestamp,
    duration: Duration,
    before: Counts,
}

/// Begins to write: to the only recording, or to the first segment of one.
fn begin(
    config: &RecordConfig,
    outputs: &mut Outputs,
    header: &Header,
) -> Result<(Segment, Option<Rotator>)> {
    if let Some(rotation) = config.rotation {
        let mut rotator = Rotator::new(
            rotation,
            &config.outputs[0].destination,
            config.naming,
            header.clone(),
            config.sampling.delay.unwrap_or_default(),
        )?;
        return Ok((rotator.open()?, Some(rotator)));
    }
    let storage = outputs.store()?;
    let writer = Writer::new(storage.writer()?, header);
    let writer = writer.context(|| "write the recording".into())?;
    Ok((Segment { storage, writer }, None))
}

/// Reads what is left, and what was counted.
fn last_counts(session: &mut Session<'_>, collector: &mut Collector) -> Result<Counts> {
    session.read_events(&mut |event| collector.add(event))?;
    collector.end_round(session);
    Counts::take(session, collector.collected())
}

/// Reads what is left, names everything, and ends the recording.
fn conclude(
    session: &mut Session<'_>,
    mut collector: Collector,
    times: &Times,
    naming: Namer,
) -> Result<Concluded> {
    // What is no longer pending has been sent, so it is read after this.
    let pending = session.pending();
    let counts = match last_counts(session, &mut collector) {
        Ok(counts) => counts,
        Err(error) => return Err(collector.abandon(error)),
    };
    let Ended {
        segment,
        rotator,
        failed,
        collected,
    } = collector.finish(&pending);
    if naming.verbosity > Verbosity::Quiet {
        let unanswered = collected.files.unanswered();
        for name in unanswered.chain(collected.jit_maps.unanswered()) {
            say(&format!(
                "somno: `{name}`: its file system does not answer, and somno may not end before it \
                 does"
            ));
        }
    }
    let to_first = collected.to_first_sample(times.started);
    let since = counts.since(&times.before);
    let totals = since.totals(&collected, times.duration, to_first);
    let of_segment = rotator.as_ref().map(|rotator| {
        let (since, duration) = rotator.since(&counts);
        since.totals(&collected, duration, to_first)
    });
    let Segment {
        storage,
        mut writer,
    } = segment;
    let whole = writer.bytes();
    // What cannot be begun is no reason to give up what is written.
    let (unwritten, unopened) = match failed {
        Some(Failed::Write(error)) => (Some(error), None),
        Some(Failed::Open(error)) => (None, Some(error)),
        None => (None, None),
    };
    let finished = match unwritten {
        Some(error) => Err(error),
        None => naming.name(&mut writer, &collected).and_then(|names| {
            writer.finish(&pending, of_segment.as_ref().unwrap_or(&totals))?;
            Ok(names)
        }),
    };
    let names = match finished {
        Ok(names) => names,
        Err(error) => return Err(storage.cut(&error, whole, times.duration)),
    };
    let (earlier, failed) = rotator.map(Rotator::end).unwrap_or_default();
    Ok(Concluded {
        storage,
        earlier,
        failed: unopened.or(failed),
        names,
        tally: collected.tally,
        totals,
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
