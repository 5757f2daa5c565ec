//! What is written when sampling has ended.

use std::time::Duration;

use super::collect::Collected;
use crate::bpf::abi;
use crate::capture::Mode;
use crate::cli::record::Format;
use crate::command::Verbosity;
use crate::command::output::Output;
use crate::config::RecordConfig;
use crate::error::Result;
use crate::export::{folded, svg};
use crate::proc::status::OwnMemory;
use crate::report::stats::{self, Lost, Stats};
use crate::report::summary;
use crate::symbolize::{names::Names, symbolize};
use crate::time::{Rate, Timestamp};
use crate::view::top;

const HOTTEST_SHOWN: usize = 5;

/// A recording, ended.
pub(super) struct Outcome {
    pub(super) collected: Collected,
    pub(super) counters: abi::Stats,
    pub(super) lost: Lost,
    pub(super) mode: Mode,
    pub(super) event: String,
    pub(super) rate: Rate,
    pub(super) duration: Duration,
    pub(super) started: Timestamp,
    pub(super) user_space_cpu: Duration,
    pub(super) memory: OwnMemory,
    pub(super) target: String,
}

/// Everything that will be written, open.
pub(super) struct Outputs {
    profiles: Vec<(Output, Format)>,
    stats: Option<Output>,
}

impl Outputs {
    /// Opens all of them, so that one that cannot be written is found now.
    pub(super) fn open(config: &RecordConfig) -> Result<Self> {
        let profiles = config
            .outputs
            .iter()
            .map(|output| Ok((Output::open(&output.destination)?, output.format)))
            .collect::<Result<_>>()?;
        let stats = config.stats.as_ref().map(Output::open).transpose()?;
        Ok(Self { profiles, stats })
    }

    /// Names the frames and writes everything; then says what came out.
    pub(super) fn write(self, outcome: &Outcome, verbosity: Verbosity) -> Result<()> {
        let collected = &outcome.collected;
        let names = symbolize(collected.profile.frames(), &collected.files);
        let lines = folded::lines(&collected.profile, &names);
        let mut bytes = 0;
        let mut written = Vec::new();
        if lines.is_empty() && verbosity > Verbosity::Quiet {
            eprintln!("somno: no samples: the target was not on a CPU for long enough");
        }
        for (output, format) in self.profiles {
            let name = output.name();
            bytes += match format {
                Format::Folded => output.write(|to| folded::write(&lines, to))?,
                Format::Svg => output.write(|to| svg::write(&lines, &outcome.heading(), to))?,
            };
            written.push(name);
        }
        if let Some(output) = self.stats {
            let stats = outcome.stats(&names, bytes);
            output.write(|to| {
                serde_json::to_writer_pretty(&mut *to, &stats)?;
                writeln!(to)
            })?;
        }
        if verbosity > Verbosity::Quiet {
            outcome.say(&names, &written, verbosity);
        }
        Ok(())
    }
}

impl Outcome {
    fn heading(&self) -> svg::Heading {
        svg::Heading {
            title: self.target.clone(),
            subtitle: format!(
                "{}, {} for {}: {} samples, {}",
                self.event,
                self.rate_text(),
                summary::duration(self.duration),
                self.collected.tally.samples(),
                summary::completeness(&self.collected.tally),
            ),
        }
    }

    fn rate_text(&self) -> String {
        match self.rate {
            Rate::Frequency(hertz) => format!("{hertz} Hz"),
            Rate::Period(period) => format!("every {period}"),
        }
    }

    fn stats(&self, names: &Names, bytes_written: u64) -> Stats {
        let tally = &self.collected.tally;
        Stats {
            schema: 1,
            version: env!("CARGO_PKG_VERSION"),
            kernel: rustix::system::uname()
                .release()
                .to_string_lossy()
                .into_owned(),
            capture: match self.mode {
                Mode::Deferred => "deferred",
                Mode::Interrupt => "interrupt",
            },
            event: self.event.clone(),
            freq: match self.rate {
                Rate::Frequency(hertz) => hertz.get(),
                Rate::Period(_) => 0,
            },
            duration_ns: nanoseconds(self.duration),
            samples: tally.samples(),
            samples_in_nmi: tally.in_nmi,
            user_halves: tally.user_halves,
            user: stats::outcomes(tally),
            kernel_only: tally.kernel_only,
            lost: self.lost,
            reads: stats::Reads { slept: tally.slept },
            frames: stats::Frames::new(&self.counters, names),
            modules: stats::Modules {
                seen: self.collected.files.seen(),
                symbols_captured: 0,
            },
            cost: stats::Cost {
                nmi_ns: stats::nmi_cost(&self.counters),
                deferred_ns: tally.deferred_cost.summary(),
                own_samples: tally.own_cost,
                user_space_cpu_ns: nanoseconds(self.user_space_cpu),
                max_rss_bytes: self.memory.peak_resident,
                max_anon_bytes: self.memory.anonymous,
            },
            start_to_first_sample_ns: tally
                .first
                .map_or(0, |first| first.0.saturating_sub(self.started.0)),
            bytes_written,
        }
    }

    fn say(&self, names: &Names, written: &[String], verbosity: Verbosity) {
        let tally = &self.collected.tally;
        eprintln!(
            "somno: {} samples in {}, {}; wrote {}",
            tally.samples(),
            summary::duration(self.duration),
            summary::completeness(tally),
            written.join(", "),
        );
        for line in summary::shortfalls(tally, &self.lost) {
            eprintln!("somno: {line}");
        }
        if verbosity < Verbosity::Verbose {
            return;
        }
        if verbosity >= Verbosity::Diagnostic {
            eprintln!("somno: {} samples taken in an NMI", tally.in_nmi);
        }
        let processes = &self.collected.processes;
        eprintln!(
            "somno: {} processes sampled; {} forks, {} execs, {} exits, {} renames noticed",
            processes.sampled(),
            processes.forks,
            processes.execs,
            processes.exits,
            processes.renames,
        );
        let mut functions = top::hottest(&self.collected.profile, names);
        functions.truncate(HOTTEST_SHOWN);
        eprint!(
            "{}",
            summary::hottest(&functions, self.collected.profile.total())
        );
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
