//! Which samples of a recording are wanted.

use regex::Regex;

use super::sampling::distinct;
use crate::bpf::abi;
use crate::cli::filters::{self as cli, Filters};
use crate::error::{Error, Result};
use crate::id::{Pid, Tid};
use crate::proc;
use crate::profile::header::{Header, Unit};
use crate::view::selection::{Filter, Group};

/// Which samples are wanted, of whichever recording.
#[derive(Clone, Debug, Default)]
pub struct FilterConfig {
    filter: Filter,
    event: Option<String>,
    /// Whether what samples are put together by was typed.
    pub is_grouped: bool,
}

impl FilterConfig {
    /// Validates what was typed.
    ///
    /// # Errors
    /// Usage errors that name the value.
    pub fn new(typed: Filters) -> Result<Self> {
        if let (Some(from), Some(to)) = (typed.from, typed.to)
            && from >= to
        {
            return Err(Error::usage(format!(
                "--from {from:?} is not before --to {to:?}"
            )));
        }
        let filter = Filter {
            comm: expression("--comm", typed.comm.as_deref())?,
            cgroup: expression("--cgroup", typed.cgroup.as_deref())?,
            variables: variables(&typed.env)?,
            pids: distinct(typed.pid).map(Pid).collect(),
            tids: distinct(typed.tid).map(Tid).collect(),
            cpus: cpus(typed.cpu.as_deref())?,
            function: expression("--function", typed.function.as_deref())?,
            module: expression("--module", typed.module.as_deref())?,
            event: None,
            from: typed.from,
            to: typed.to,
            no_kernel: typed.no_kernel,
            group: typed.group.map_or(Group::default(), group),
        };
        Ok(Self {
            filter,
            event: typed.event,
            is_grouped: typed.group.is_some_and(|group| group != cli::Group::None),
        })
    }

    /// What is wanted of a recording with these events; the first one where none was named.
    ///
    /// # Errors
    /// When it has no event of that name.
    pub fn of(&self, header: &Header) -> Result<Filter> {
        let event = chosen_event(header, self.event.as_deref())?;
        Ok(Filter {
            event,
            ..self.filter.clone()
        })
    }

    /// The same where samples of several events are told apart: all of them where none was named.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_every_event(&self, header: &Header) -> Result<Filter> {
        let filter = self.of(header)?;
        Ok(Filter {
            event: filter.event.filter(|_| self.event.is_some()),
            ..filter
        })
    }
}

/// The event of this name by its position; the first one where none was named, or none where
/// all of them can be added up.
///
/// # Errors
/// When there is no event of that name.
pub fn chosen_event(header: &Header, name: Option<&str>) -> Result<Option<u8>> {
    let position = match name {
        None => 0,
        Some(name) => header
            .events
            .iter()
            .position(|event| event.name == name)
            .ok_or_else(|| {
                Error::usage(format!("no event `{name}` in the recording"))
                    .with_hint(format!("it has: {}", header.event_names()))
            })?,
    };
    // times can be added up, whatever they are of
    let adds_up = header.events.iter().all(|e| e.unit == Unit::Nanoseconds);
    let is_chosen = name.is_some() || header.events.len() > 1 && !adds_up;
    Ok(u8::try_from(position).ok().filter(|_| is_chosen))
}

/// Expressions for the values of variables, by their names.
fn variables(typed: &[String]) -> Result<Vec<(String, Regex)>> {
    let variable = |typed: &String| {
        let Some((name, pattern)) = typed.split_once('=') else {
            return Err(Error::usage(format!("--env: `{typed}` is not NAME=RE")));
        };
        let pattern = expression("--env", Some(pattern))?;
        Ok(pattern.map(|pattern| (name.to_owned(), pattern)))
    };
    typed
        .iter()
        .filter_map(|typed| variable(typed).transpose())
        .collect()
}

fn group(typed: cli::Group) -> Group {
    match typed {
        cli::Group::Process => Group::Process,
        cli::Group::Thread => Group::Thread,
        cli::Group::Cpu => Group::Cpu,
        cli::Group::None => Group::None,
    }
}

/// Reads a list of CPUs, none where it is missing.
pub(super) fn cpus(typed: Option<&str>) -> Result<Vec<u16>> {
    let limit = abi::MAX_CPUS;
    let read = |list| {
        proc::cpus::parse_list(list, limit).map_err(|_| {
            Error::usage(format!(
                "--cpu must be a list as 0,2-3 of CPUs below {limit}, not `{list}`"
            ))
        })
    };
    typed.map_or(Ok(Vec::new()), read)
}

/// Reads a regular expression, which may be missing.
pub(super) fn expression(option: &str, pattern: Option<&str>) -> Result<Option<Regex>> {
    let read = |pattern| {
        Regex::new(pattern).map_err(|error| {
            // it has lines, of which the last says what is wrong and the others where
            let said = error.to_string();
            let what = said.rsplit_once("error: ").map_or(&*said, |(_, what)| what);
            Error::usage(format!("bad regular expression for {option}: {what}"))
        })
    };
    pattern.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::header::EventInfo;
    use crate::view::fixture::Builder;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        filters: Filters,
    }

    fn config(arguments: &[&str]) -> Result<FilterConfig> {
        let typed = Cli::try_parse_from(["x"].iter().chain(arguments))
            .map_err(|error| Error::usage(error.to_string()))?;
        FilterConfig::new(typed.filters)
    }

    fn header(events: &[&str]) -> Header {
        let events = events.iter().map(|name| EventInfo {
            name: (*name).into(),
            unit: Unit::Samples,
            rate: None,
        });
        Header {
            events: events.collect(),
            ..Builder::new().build().header
        }
    }

    /// Check that every option arrives.
    #[test]
    fn options_are_converted() {
        let config = config(&[
            "--comm",
            "a",
            "--cgroup",
            "c",
            "--env",
            "A=b=",
            "--pid",
            "3,2,3",
            "--tid",
            "5",
            "--cpu",
            "0-1",
            "--function",
            "f",
            "--module",
            "m",
            "--event",
            "b",
            "--from",
            "1s",
            "--to",
            "2s",
            "--no-kernel",
            "--group",
            "cpu",
        ])
        .expect("it is valid");
        let filter = config.of(&header(&["a", "b"])).expect("it has one");
        assert_eq!(filter.pids, [Pid(2), Pid(3)]);
        assert_eq!(filter.tids, [Tid(5)]);
        assert_eq!(filter.cpus, [0, 1]);
        assert_eq!((filter.event, filter.group), (Some(1), Group::Cpu));
        assert!(filter.no_kernel && config.is_grouped);
        for regex in [filter.comm, filter.cgroup, filter.function, filter.module] {
            assert!(regex.is_some());
        }
        let (name, value) = &filter.variables[0];
        assert_eq!((&name[..], value.as_str()), ("A", "b="));
        assert!(filter.from < filter.to);
    }

    /// Check that of several events one is chosen, since their weights are not of one kind.
    #[test]
    fn one_event_is_chosen() {
        let config = config(&[]).expect("it is valid");
        for (events, expected) in [(&["a"][..], None), (&["a", "b"], Some(0))] {
            let filter = config.of(&header(events)).expect("nothing was named");
            assert_eq!(filter.event, expected);
            let filter = config.of_every_event(&header(events));
            assert_eq!(filter.expect("likewise").event, None);
        }
    }

    /// Check that what cannot be meant is refused, with the value.
    #[test]
    fn refusals() {
        for (arguments, named) in [
            (&["--comm", "("][..], "--comm"),
            (&["--function", "["], "--function"),
            (&["--module", "*"], "--module"),
            (&["--env", "NAME"], "`NAME`"),
            (&["--env", "NAME=("], "--env"),
            (&["--cpu", "x"], "0,2-3"),
            (&["-C", "3-1"], "`3-1`"),
            (&["--pid", "-1"], "-1"),
            (&["-p", "x"], "expected the number of a process"),
            (&["-t", "5000000000"], "too large"),
            (&["--from", "2s", "--to", "1s"], "2s"),
            (&["--group", "planet"], "planet"),
        ] {
            let error = config(arguments).expect_err(named);
            assert_eq!(error.kind().exit_status(), 2);
            assert!(error.to_string().contains(named), "{error}");
        }
        let config = config(&["--event", "c"]).expect("it is valid");
        let error = config.of(&header(&["a"])).expect_err("it has none");
        assert_eq!(error.kind().exit_status(), 2);
        assert!(error.to_string().contains("`c`"), "{error}");
    }
}
