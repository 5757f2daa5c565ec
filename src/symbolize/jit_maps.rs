//! The files in which processes write the names of code that they make: found while the
//! process is there, held until its frames are named.

mod search;

use std::collections::BTreeMap;
use std::fs::File;

use self::search::{Found, Home};
use crate::id::Pid;
use crate::privileges::{Use, in_effect};
use crate::proc::stat;
use crate::profile::names::Unnamed;
use crate::time::{ProcessStart, Timestamp};

/// Processes that are looked after; beyond that those are forgotten of which nothing is held.
const PROCESSES_MAX: usize = 16 << 10;
/// Processes of which descriptors are held, two at most of each.
const HELD_MAX: usize = 1024;
/// How long to wait before looking again, in nanoseconds: first, and at most.
const PAUSE: u64 = 250_000_000;
const PAUSE_MAX: u64 = 4_000_000_000;

/// Every process that was seen in anonymous memory, with what it says about it.
#[derive(Debug, Default)]
pub struct JitMaps {
    processes: BTreeMap<(Pid, ProcessStart), Process>,
    held: usize,
    caller: Option<u32>,
}

/// What there is to read, at least one.
#[derive(Debug)]
pub struct Sources {
    /// `perf-PID.map`.
    pub map: Option<File>,
    /// `jit-PID.dump`.
    pub dump: Option<File>,
    /// When the process was sampled last.
    pub until: Timestamp,
}

#[derive(Debug)]
struct Process {
    last_seen: Timestamp,
    next_look: Timestamp,
    pause: u64,
    /// Where to look; not while the process is not known to be there.
    home: Option<Home>,
    found: Result<Found, Unnamed>,
}

impl JitMaps {
    /// Makes an empty table for a user, whose files are believed of processes that were
    /// gone before it was known whose they were.
    #[must_use]
    pub fn new(caller: Option<u32>) -> Self {
        Self {
            caller,
            ..Self::default()
        }
    }

    /// Takes notice that a process was sampled in anonymous memory, and looks for its
    /// files if that is due.
    pub fn see(&mut self, pid: Pid, start: ProcessStart, time: Timestamp) {
        let key = (pid, start);
        if !self.processes.contains_key(&key) {
            if self.processes.len() >= PROCESSES_MAX {
                self.processes.retain(|_, process| process.holds());
            }
            self.processes.insert(key, Process::seen_at(time));
        }
        let Some(process) = self.processes.get_mut(&key) else {
            return;
        };
        process.last_seen = process.last_seen.max(time);
        if process.found.is_err() && time >= process.next_look {
            process.next_look = Timestamp(time.0.saturating_add(process.pause));
            process.pause = (process.pause * 2).min(PAUSE_MAX);
            self.look(key);
        }
    }

    /// Looks once more, because a process replaced its program.
    pub fn replaced(&mut self, pid: Pid) {
        if let Some(key) = self.latest(pid) {
            self.look(key);
        }
    }

    /// Looks for the last time, because a process ended.
    pub fn ended(&mut self, pid: Pid) {
        if let Some(key) = self.latest(pid) {
            self.look(key);
            self.forget_home(key);
        }
    }

    /// Looks for what processes wrote that run still.
    pub fn finish(&mut self) {
        let has_home = |(&key, process): (_, &Process)| process.home.is_some().then_some(key);
        let keys: Vec<_> = self.processes.iter().filter_map(has_home).collect();
        for key in keys {
            self.look(key);
            self.forget_home(key);
        }
    }

    /// What there is to read of a process.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn sources(&self, pid: Pid, start: ProcessStart) -> Result<Sources, Unnamed> {
        let process = self.processes.get(&(pid, start)).ok_or(Unnamed::NoJitMap)?;
        let found = process.found.as_ref().map_err(|&reason| reason)?;
        let again = |file: &Option<File>| file.as_ref().and_then(|file| file.try_clone().ok());
        Ok(Sources {
            map: again(&found.map),
            dump: again(&found.dump),
            until: process.last_seen,
        })
    }

    /// The process that had this pid last.
    fn latest(&self, pid: Pid) -> Option<(Pid, ProcessStart)> {
        let all = (pid, ProcessStart(0))..=(pid, ProcessStart(u64::MAX));
        self.processes.range(all).next_back().map(|(&key, _)| key)
    }

    fn look(&mut self, key: (Pid, ProcessStart)) {
        let room = self.held < HELD_MAX;
        let Some(process) = self.processes.get_mut(&key) else {
            return;
        };
        let held = process.holds();
        if process.found.is_ok() || !(held || room) {
            return;
        }
        let _files = in_effect(Use::Files);
        process.look(key.0, key.1, self.caller);
        self.held += usize::from(!held && process.holds());
    }

    fn forget_home(&mut self, key: (Pid, ProcessStart)) {
        if let Some(process) = self.processes.get_mut(&key)
            && process.home.take().is_some()
            && !process.holds()
        {
            self.held -= 1;
        }
    }
}

impl Process {
    fn seen_at(time: Timestamp) -> Self {
        Self {
            last_seen: time,
            next_look: time,
            pause: PAUSE,
            home: None,
            found: Err(Unnamed::NoJitMap),
        }
    }

    fn holds(&self) -> bool {
        self.home.is_some() || self.found.is_ok()
    }

    fn look(&mut self, pid: Pid, start: ProcessStart, caller: Option<u32>) {
        // Where stacks are taken in the interrupt, nobody says when a process started.
        let start = match start {
            ProcessStart(0) => stat::start(pid).unwrap_or(start),
            known => known,
        };
        if self.home.is_none() {
            self.home = Home::of(pid, start);
        }
        self.found = match &self.home {
            Some(home) => home.search(),
            None if start.0 > 0 => search::without_home(pid, start, caller),
            None => Err(Unnamed::NoJitMap),
        };
        if self.found.is_ok() {
            self.home = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Pid = Pid(u32::MAX);

    /// Check that a process that is not there has no names, that so many are remembered, and
    /// that one that is there is not forgotten for them.
    #[test]
    fn processes_are_bounded() {
        let mut maps = JitMaps::new(None);
        let own = Pid(std::process::id());
        let own_start = stat::start(own).expect("it is there");
        maps.see(own, own_start, Timestamp(1));
        let count = PROCESSES_MAX as u64 + 10;
        for start in 1..=count {
            maps.see(NOBODY, ProcessStart(start), Timestamp(start));
            assert!(maps.processes.len() <= PROCESSES_MAX);
        }
        assert!(maps.processes.contains_key(&(own, own_start)));
        assert!(maps.processes.contains_key(&(NOBODY, ProcessStart(count))));
        assert_eq!(maps.held, 1);
        let sources = maps.sources(NOBODY, ProcessStart(count));
        assert_eq!(sources.err(), Some(Unnamed::NoJitMap));
    }

    /// Check that what a process holds is given back when it is gone.
    #[test]
    fn homes_are_given_back() {
        let mut maps = JitMaps::new(None);
        let own = Pid(std::process::id());
        let start = stat::start(own).expect("it is there");
        maps.see(own, start, Timestamp(1));
        assert_eq!(maps.held, 1);
        maps.see(own, start, Timestamp(PAUSE * 10));
        assert_eq!(maps.held, 1);
        maps.ended(own);
        assert_eq!(maps.held, 0);
    }
}
