//! What is written when sampling has ended.

use std::collections::{HashSet, VecDeque};
use std::fmt::Write as _;

use super::rotate::Earlier;
use super::storage::Storage;
use crate::command::open::Page;
use crate::command::output::Output;
use crate::command::{Verbosity, asker, complain, say, write};
use crate::config::RecordConfig;
use crate::config::filters::FilterConfig;
use crate::config::output::{OutputConfig, OutputFormat};
use crate::error::{Error, Result};
use crate::export;
use crate::privileges::{Left, OF_USE_TO_NAME, grant};
use crate::proc::kallsyms::Access;
use crate::profile::header::Header;
use crate::profile::names::Names;
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::recording::Recording;
use crate::report::stats::Stats;
use crate::report::summary;
use crate::text::counted;
use crate::view::selection::{Filter, Selection};
use crate::view::top;

const HOTTEST_SHOWN: usize = 5;

/// The kernel closes the events of a process that executes such a program.
const RESTRICTED: &str = "somno: programs that are set-user-ID, or that their user may not read, are \
    sampled with --all only";

/// A recording, ended.
#[derive(Debug)]
pub(super) struct Concluded {
    pub(super) storage: Storage,
    /// Segments before it.
    pub(super) earlier: Earlier,
    /// What went wrong with another segment than this one.
    pub(super) failed: Option<Error>,
    pub(super) names: Names,
    pub(super) tally: Tally,
    pub(super) totals: Totals,
}

/// Everything that will be written, open.
#[derive(Debug)]
pub(super) struct Outputs {
    recordings: VecDeque<Output>,
    profiles: Vec<(Output, OutputConfig)>,
    stats: Option<Output>,
    format_options: export::Options,
    open: bool,
}

/// What became of the outputs.
#[derive(Debug, Default)]
struct Written {
    names: Vec<String>,
    bytes: u64,
    failed: Vec<Error>,
}

impl Written {
    fn add(&mut self, name: String, result: Result<u64>) {
        match result {
            Ok(bytes) => {
                self.bytes += bytes;
                self.names.push(name);
            }
            Err(error) => self.failed.push(error),
        }
    }
}

impl Outputs {
    /// Opens all of them, so that one that cannot be written is found now.
    pub(super) fn open(config: &RecordConfig) -> Result<Self> {
        let mut outputs = Self {
            recordings: VecDeque::new(),
            profiles: Vec::new(),
            stats: config.stats.as_ref().map(Output::open).transpose()?,
            format_options: config.format_options.clone(),
            open: config.open,
        };
        // segments are opened one after the other
        let wanted = config.outputs.iter().filter(|_| config.rotation.is_none());
        for wanted in wanted {
            let output = Output::open(&wanted.destination)?;
            if wanted.format == OutputFormat::Recording {
                outputs.recordings.push_back(output);
            } else {
                outputs.profiles.push((output, wanted.clone()));
            }
        }
        Ok(outputs)
    }

    /// What a browser is to show of it.
    pub(super) fn page(&self) -> Option<Page> {
        let outputs = self
            .profiles
            .iter()
            .map(|(output, config)| (output, config));
        write::page(outputs).filter(|_| self.open)
    }

    /// What takes privileges once sampling has begun.
    pub(super) fn left(&self) -> Left {
        Left {
            pending: true,
            files: true,
            browser: self.open,
        }
    }

    /// Begins to store a recording: in the first output that is one and can be read again.
    pub(super) fn store(&mut self) -> Result<Storage> {
        let first = self.recordings.iter().position(Output::is_file);
        let output = first.and_then(|first| self.recordings.remove(first));
        Storage::new(output)
    }

    /// Writes everything; then says what came out.
    pub(super) fn write(
        self,
        header: &Header,
        mut concluded: Concluded,
        verbosity: Verbosity,
    ) -> Result<()> {
        let mut written = Written {
            bytes: concluded.earlier.bytes,
            failed: concluded.failed.take().into_iter().collect(),
            ..Written::default()
        };
        // first, so that it stays whatever fails from here on
        if let Some((name, bytes)) = concluded.storage.keep() {
            written.add(name, Ok(bytes));
        }
        let is_read = !self.profiles.is_empty() || verbosity >= Verbosity::Verbose;
        let recording = is_read.then(|| concluded.storage.read()).transpose()?;
        for output in self.recordings {
            let name = output.name();
            written.add(name, output.write(|to| concluded.storage.copy(to)));
        }
        if let Some(recording) = &recording {
            let everything = FilterConfig::default();
            let chosen = write::Written::new(recording, &everything, &self.format_options)?;
            for (output, config) in self.profiles {
                let name = output.name();
                written.add(name, output.write(|to| chosen.write(&config, to)));
            }
        }
        if let Some(output) = self.stats {
            let Concluded {
                names,
                tally,
                totals,
                ..
            } = &concluded;
            let stats = Stats::new(header, totals, tally, names, written.bytes);
            let result = output.write(|to| {
                serde_json::to_writer_pretty(&mut *to, &stats)?;
                writeln!(to)
            });
            written.failed.extend(result.err());
        }
        if verbosity > Verbosity::Quiet {
            say_result(&concluded, &written.names);
            if let Some(line) = recording.as_ref().and_then(summary::left_out) {
                say(&format!("somno: {line}"));
            }
        }
        if let Some(recording) = recording.filter(|_| verbosity >= Verbosity::Verbose) {
            say_more(&recording, verbosity);
        }
        // All but the first are said here: one can be returned.
        while written.failed.len() > 1 {
            written.failed.pop().iter().for_each(complain);
        }
        written.failed.pop().map_or(Ok(()), Err)
    }
}

fn say_result(concluded: &Concluded, written: &[String]) {
    let Concluded {
        names,
        tally,
        totals,
        ..
    } = concluded;
    if tally.samples() == 0 {
        say("somno: no samples: nothing that was to be sampled ran, or waited, for long enough");
        if asker().is_some() {
            say(RESTRICTED);
        }
    }
    let mut wrote = if written.is_empty() {
        "nothing".into()
    } else {
        written.join(", ")
    };
    match concluded.earlier.segments {
        0 => {}
        1 => wrote.push_str(" after 1 segment"),
        earlier => write!(wrote, " after {earlier} segments").expect("a string takes everything"),
    }
    say(&format!(
        "somno: {} in {}, {}; wrote {wrote}",
        counted(tally.samples(), "sample"),
        summary::duration(totals.duration),
        summary::completeness(tally),
    ));
    let shortfalls = summary::shortfalls(tally, &totals.lost);
    let cut = summary::cut_symbols(&totals.symbols);
    let kernel_names = summary::kernel_names(names, Access::look());
    let file_names = summary::file_names(names, grant::missing(OF_USE_TO_NAME));
    let names = file_names.into_iter().chain(kernel_names);
    for line in shortfalls.into_iter().chain(cut).chain(names) {
        say(&format!("somno: {line}"));
    }
}

fn say_more(recording: &Recording, verbosity: Verbosity) {
    if verbosity >= Verbosity::Diagnostic {
        say(&format!(
            "somno: {} samples taken in an NMI",
            recording.tally.in_nmi
        ));
    }
    let threads = recording.profile.threads().iter();
    let processes: HashSet<_> = threads.map(|(_, thread)| thread.pid).collect();
    let notices = &recording.totals.notices;
    say(&format!(
        "somno: sampled processes: {}; noticed forks: {}, execs: {}, exits: {}, renames: {}",
        processes.len(),
        notices.forks,
        notices.execs,
        notices.exits,
        notices.renames,
    ));
    let selection = Selection::new(
        &recording.profile,
        &recording.names,
        recording.header.began,
        &Filter::default(),
    );
    let mut functions = top::hottest(&selection);
    functions.truncate(HOTTEST_SHOWN);
    say(summary::hottest(&functions, selection.total()).trim_end());
}
