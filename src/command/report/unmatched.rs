//! What is said where no sample is chosen: that, and what could have been asked for.

use std::sync::Arc;

use crate::command::{Verbosity, say};
use crate::recording::Recording;
use crate::view::selection::{Filter, Group, Selection};

/// Names that are told of what there is.
const FEW: usize = 5;

/// Says it where nothing of a recording passes a filter.
pub(in crate::command) fn say_so(
    recording: &Recording,
    chosen: &Selection<'_>,
    filter: &Filter,
    verbosity: Verbosity,
) {
    if chosen.is_empty() && verbosity > Verbosity::Quiet {
        for line in lines(recording, filter) {
            say(&line);
        }
    }
}

/// What to say: nothing of a recording without samples, in which no filter is to blame.
fn lines(recording: &Recording, filter: &Filter) -> Vec<String> {
    if recording.profile.rows().is_empty() {
        return Vec::new();
    }
    let events = &recording.header.events;
    let event = filter
        .event
        .and_then(|event| events.get(usize::from(event)));
    let of_event = event.map_or_else(String::new, |event| format!(" of `{}`", event.name));
    let first = format!("somno: no sample{of_event} in the recording matches");
    let hints = alone(filter)
        .into_iter()
        .filter(|(_, alone)| selected(recording, alone).is_empty())
        .map(|(option, alone)| {
            let all = Filter {
                group: alone.group,
                ..Filter::default()
            };
            let labels = selected(recording, &all).labels();
            format!("it has, for {option}: {}", few(&labels))
        });
    std::iter::once(first).chain(hints).collect()
}

/// What was asked for by each option whose values are few enough to be told, and by nothing
/// else; put together by what the option chooses.
fn alone(filter: &Filter) -> [(&'static str, Filter); 3] {
    let comm = Filter {
        comm: filter.comm.clone(),
        group: Group::Comm,
        ..Filter::default()
    };
    let pid = Filter {
        pids: filter.pids.clone(),
        group: Group::Process,
        ..Filter::default()
    };
    let cpu = Filter {
        cpus: filter.cpus.clone(),
        group: Group::Cpu,
        ..Filter::default()
    };
    [("--comm", comm), ("--pid", pid), ("--cpu", cpu)]
}

fn selected<'a>(recording: &'a Recording, filter: &Filter) -> Selection<'a> {
    let began = recording.header.began;
    Selection::new(&recording.profile, &recording.names, began, filter)
}

/// The first names of a list, and how many more there are.
fn few(labels: &[Arc<str>]) -> String {
    let shown: Vec<&str> = labels.iter().take(FEW).map(|label| &**label).collect();
    let shown = shown.join(", ");
    match labels.len().saturating_sub(FEW) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Pid;
    use crate::view::fixture::{Builder, Who};
    use regex::Regex;

    const NOTHING: &str = "somno: no sample in the recording matches";

    /// Seven processes, each with one sample more than the one before.
    fn recording() -> Recording {
        let comms = ["a", "b", "c", "d", "e", "f", "g"];
        let processes = (1..).zip(comms);
        let builder = processes.fold(Builder::new(), |builder, (pid, comm)| {
            let who = Who {
                comm,
                pid,
                tid: pid,
                ..Who::default()
            };
            builder.stack_of(who, &["main"], pid.into())
        });
        builder.build()
    }

    fn expression(pattern: &str) -> Regex {
        Regex::new(pattern).expect("it is a pattern")
    }

    /// Check that of what does not occur it is told what does, the heaviest first.
    #[test]
    fn what_there_is_is_told() {
        let recording = recording();
        let comm = Filter {
            comm: Some(expression("nosuch")),
            ..Filter::default()
        };
        let pid = Filter {
            pids: vec![Pid(99)],
            ..Filter::default()
        };
        let cpu = Filter {
            comm: Some(expression("a")),
            cpus: vec![7],
            ..Filter::default()
        };
        let function = Filter {
            function: Some(expression("nosuch")),
            ..Filter::default()
        };
        for (filter, hint) in [
            (comm, "it has, for --comm: g, f, e, d, c and 2 more"),
            (pid, "it has, for --pid: g 7, f 6, e 5, d 4, c 3 and 2 more"),
            (cpu, "it has, for --cpu: CPU 0"),
        ] {
            assert_eq!(lines(&recording, &filter), [NOTHING, hint]);
        }
        assert_eq!(lines(&recording, &function), [NOTHING]);
    }

    /// Check that the event is named where it is one of several, and that nothing is said of
    /// a recording that has no samples.
    #[test]
    fn there_may_be_nothing() {
        let filter = Filter {
            event: Some(0),
            ..Filter::default()
        };
        assert_eq!(
            lines(&recording(), &filter),
            ["somno: no sample of `cpu-clock` in the recording matches"]
        );
        let empty = Builder::new().build();
        assert_eq!(lines(&empty, &filter), [""; 0]);
    }
}
