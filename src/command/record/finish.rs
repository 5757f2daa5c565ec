//! What is written when sampling has ended.

use std::collections::HashSet;

use crate::command::output::Output;
use crate::command::{Verbosity, complain, say};
use crate::config::RecordConfig;
use crate::error::Result;
use crate::export::{self, Format, Subject};
use crate::recording::Recording;
use crate::report::stats::Stats;
use crate::report::summary;
use crate::view::selection::{Filter, Selection};
use crate::view::top;

const HOTTEST_SHOWN: usize = 5;

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

    /// Writes everything; then says what came out.
    pub(super) fn write(self, recording: &Recording, verbosity: Verbosity) -> Result<()> {
        let everything = Filter::default();
        let began = recording.header.began;
        let selection = Selection::new(&recording.profile, &recording.names, began, &everything);
        if selection.rows().is_empty() && verbosity > Verbosity::Quiet {
            say("somno: no samples: nothing that was to be sampled was on a CPU for long enough");
        }
        let remark = summary::remark(recording);
        let subject = Subject {
            selection: &selection,
            header: &recording.header,
            remark: &remark,
        };
        let mut bytes = 0;
        let mut written = Vec::new();
        let mut failed = Vec::new();
        for (output, format) in self.profiles {
            let name = output.name();
            let options = export::Options::default();
            match output.write(|to| export::write(format, &subject, &options, to)) {
                Ok(len) => {
                    bytes += len;
                    written.push(name);
                }
                Err(error) => failed.push(error),
            }
        }
        if let Some(output) = self.stats {
            let stats = Stats::new(recording, bytes);
            let result = output.write(|to| {
                serde_json::to_writer_pretty(&mut *to, &stats)?;
                writeln!(to)
            });
            failed.extend(result.err());
        }
        if verbosity > Verbosity::Quiet {
            say_result(recording, &selection, &written, verbosity);
        }
        // All but the first are said here: one can be returned.
        while failed.len() > 1 {
            failed.pop().iter().for_each(complain);
        }
        failed.pop().map_or(Ok(()), Err)
    }
}

fn say_result(
    recording: &Recording,
    selection: &Selection<'_>,
    written: &[String],
    verbosity: Verbosity,
) {
    let tally = &recording.tally;
    let totals = &recording.totals;
    let wrote = if written.is_empty() {
        "nothing".into()
    } else {
        written.join(", ")
    };
    say(&format!(
        "somno: {} samples in {}, {}; wrote {wrote}",
        tally.samples(),
        summary::duration(totals.duration),
        summary::completeness(tally),
    ));
    for line in summary::shortfalls(tally, &totals.lost) {
        say(&format!("somno: {line}"));
    }
    if verbosity < Verbosity::Verbose {
        return;
    }
    if verbosity >= Verbosity::Diagnostic {
        say(&format!("somno: {} samples taken in an NMI", tally.in_nmi));
    }
    let threads = recording.profile.threads().iter();
    let processes: HashSet<_> = threads.map(|(_, thread)| thread.pid).collect();
    let notices = &totals.notices;
    say(&format!(
        "somno: {} processes sampled; {} forks, {} execs, {} exits, {} renames noticed",
        processes.len(),
        notices.forks,
        notices.execs,
        notices.exits,
        notices.renames,
    ));
    let mut functions = top::hottest(selection);
    functions.truncate(HOTTEST_SHOWN);
    say(summary::hottest(&functions, selection.total()).trim_end());
}
