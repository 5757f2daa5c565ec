//! Threads and how many samples are of each.

use std::collections::{BTreeMap, HashMap};

use super::selection::Selection;
use crate::id::{Pid, Tid};
use crate::profile::names::clean;

/// A thread under one name, in one cgroup and with one environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadSamples {
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Tid,
    /// Its name, safe to show.
    pub comm: String,
    /// Where its cgroup is, safe to show, where that is known.
    pub cgroup: Option<String>,
    /// Variables of its environment that were asked for, safe to show.
    pub variables: BTreeMap<String, String>,
    /// How many samples are of it.
    pub samples: u64,
}

/// Lists threads, the one with the most samples first.
#[must_use]
pub fn busiest(selection: &Selection<'_>) -> Vec<ThreadSamples> {
    let mut counts: HashMap<_, u64> = HashMap::new();
    for row in selection.rows() {
        *counts.entry(row.thread).or_default() += 1;
    }
    let mut threads: Vec<_> = counts
        .into_iter()
        .map(|(id, samples)| {
            let profile = selection.profile;
            let thread = profile.threads().get(id);
            let variables = profile.environments().of(thread);
            ThreadSamples {
                pid: thread.pid,
                tid: thread.tid,
                comm: clean(&thread.comm.to_text()),
                cgroup: profile.cgroup_of(thread).map(clean),
                variables: variables
                    .map(|(name, value)| (clean(name), clean(value)))
                    .collect(),
                samples,
            }
        })
        .collect();
    threads.sort_by(|a, b| {
        let more = b.samples.cmp(&a.samples);
        more.then_with(|| a.cmp(b))
    });
    threads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture::{Builder, Who, everything};

    /// Check that threads are in order, and that a thread that was renamed is there twice.
    #[test]
    fn threads_are_counted() {
        let other = |comm| Who {
            comm,
            tid: 11,
            ..Who::default()
        };
        let recording = Builder::new()
            .stack(&["main"], 2)
            .stack_of(other("b"), &["main"], 3)
            .stack_of(other("a\x1b;"), &["main"], 2)
            .build();
        let threads: Vec<_> = busiest(&everything(&recording))
            .into_iter()
            .map(|thread| format!("{} {} {}", thread.tid, thread.comm, thread.samples))
            .collect();
        assert_eq!(threads, ["11 b 3", "10 program 2", "11 a?: 2"]);
    }
}
