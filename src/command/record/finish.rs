//! What is written when sampling has ended.

use std::time::Duration;

use super::collect::Collected;
use crate::bpf::abi;
use crate::capture::Mode;
use crate::cli::record::Format;
use crate::command::output::Output;
use crate::command::{Verbosity, complain, say};
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
pub(super) struct Recorded {
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
    pub(super) fn write(self, recorded: &Recorded, verbosity: Verbosity) -> Result<()> {
        let collected = &recorded.collected;
        let names = symbolize(
            collected.profile.frames(),
            &collected.files,
            &collected.jit_maps,
        );
        let lines = folded::lines(&collected.profile, &names);
        if lines.is_empty() && verbosity > Verbosity::Quiet {
            say("somno: no samples: nothing that was to be sampled was on a CPU for long enough");
        }
        let mut bytes = 0;
        let mut written = Vec::new();
        let mut failed = Vec::new();
        for (output, format) in self.profiles {
            let name = output.name();
            let result = match format {
                Format::Folded => output.write(|to| folded::write(&lines, to)),
                Format::Svg => output.write(|to| svg::write(&lines, &recorded.heading(), to)),
            };
            match result {
                Ok(len) => {
                    bytes += len;
                    written.push(name);
                }
                Err(error) => failed.push(error),
            }
        }
        if let Some(output) = self.stats {
            let stats = recorded.stats(&names, bytes);
            let result = output.write(|to| {
                serde_json::to_writer_pretty(&mut *to, &stats)?;
                writeln!(to)
            });
            failed.extend(result.err());
        }
        if verbosity > Verbosity::Quiet {
            recorded.say(&names, &written, verbosity);
        }
        // All but the first are said here: one can be returned.
        while failed.len() > 1 {
            failed.pop().iter().for_each(complain);
        }
        failed.pop().map_or(Ok(()), Err)
    }
}

impl Recorded {
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
        let wrote = if written.is_empty() {
            "nothing".into()
        } else {
            written.join(", ")
        };
        say(&format!(
            "somno: {} samples in {}, {}; wrote {wrote}",
            tally.samples(),
            summary::duration(self.duration),
            summary::completeness(tally),
        ));
        for line in summary::shortfalls(tally, &self.lost) {
            say(&format!("somno: {line}"));
        }
        if verbosity < Verbosity::Verbose {
            return;
        }
        if verbosity >= Verbosity::Diagnostic {
            say(&format!("somno: {} samples taken in an NMI", tally.in_nmi));
        }
        let processes = &self.collected.processes;
        say(&format!(
            "somno: {} processes sampled; {} forks, {} execs, {} exits, {} renames noticed",
            processes.sampled(),
            processes.forks,
            processes.execs,
            processes.exits,
            processes.renames,
        ));
        let mut functions = top::hottest(&self.collected.profile, names);
        functions.truncate(HOTTEST_SHOWN);
        let total = self.collected.profile.total();
        say(summary::hottest(&functions, total).trim_end());
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
