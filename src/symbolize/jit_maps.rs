//! The files in which processes write the names of code that they make: found while the
//! process is there, held until its frames are named, as far as there is room.
//!
//! They are looked for on a thread, because a file system may never answer. It has its own
//! questions: a process may be gone soon, and waits for no module's file.

mod search;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::search::{Found, Home, Look, Searcher};
use crate::id::Pid;
use crate::profile::names::Unnamed;
use crate::time::{ProcessStart, Timestamp};

/// Processes that are looked after; beyond that those are forgotten of which nothing is held.
const PROCESSES_MAX: usize = 16 << 10;
/// Processes of which descriptors are held, two at most of each.
const HELD_MAX: usize = 1024;
/// How long a process is not sampled before others may have its room, in nanoseconds: that it
/// ended may have been lost.
const LONG: u64 = 60_000_000_000;
/// How long to wait before looking again, in nanoseconds: first, and at most.
const PAUSE: u64 = 250_000_000;
const PAUSE_MAX: u64 = 4_000_000_000;
/// How long to wait for answers at a time, when there is nothing else to do.
const ROUND: Duration = Duration::from_millis(100);

/// What names one process.
type Key = (Pid, ProcessStart);

/// Every process that was seen in anonymous memory, with what it says about it.
#[derive(Debug)]
pub struct JitMaps {
    processes: BTreeMap<Key, Process>,
    /// How many of them hold something, or may.
    held: usize,
    held_at_most: usize,
    caller: Option<u32>,
    searcher: Searcher,
}

/// What there is to read, at least one.
#[derive(Debug)]
pub struct Sources {
    /// What names `perf-PID.map`.
    pub map: Option<Arc<File>>,
    /// What names `jit-PID.dump`.
    pub dump: Option<Arc<File>>,
    /// When the process was sampled last.
    pub until: Timestamp,
}

#[derive(Debug)]
struct Process {
    last_seen: Timestamp,
    next_look: Timestamp,
    pause: u64,
    has_ended: bool,
    /// How many looks at it are under way.
    looks: usize,
    /// Where to look, once it was looked at while it was there. A look that is under way may set
    /// it.
    home: Arc<OnceLock<Home>>,
    found: Result<Found, Unnamed>,
}

impl Default for JitMaps {
    /// Makes an empty table for nobody in particular.
    fn default() -> Self {
        Self::new(None)
    }
}

impl JitMaps {
    /// Makes an empty table for a user, whose files are believed of processes that were
    /// gone before it was known whose they were.
    #[must_use]
    pub fn new(caller: Option<u32>) -> Self {
        Self::with(search::searcher(), HELD_MAX, caller)
    }

    fn with(searcher: Searcher, held_at_most: usize, caller: Option<u32>) -> Self {
        Self {
            processes: BTreeMap::new(),
            held: 0,
            held_at_most,
            caller,
            searcher,
        }
    }

    /// Takes notice that a process was sampled in anonymous memory, and has its files looked
    /// for if that is due; never waits.
    pub fn see(&mut self, pid: Pid, start: ProcessStart, time: Timestamp) {
        let key = (pid, start);
        if !self.processes.contains_key(&key) {
            self.forget_some();
            self.processes.insert(key, Process::seen_at(time));
        }
        let Some(process) = self.processes.get_mut(&key) else {
            return;
        };
        process.last_seen = process.last_seen.max(time);
        process.has_ended = false;
        if process.looks == 0 && process.found.is_err() && time >= process.next_look {
            process.next_look = Timestamp(time.0.saturating_add(process.pause));
            process.pause = (process.pause * 2).min(PAUSE_MAX);
            self.look(key);
        }
    }

    /// Has it looked once more, because a process replaced its program.
    pub fn replaced(&mut self, pid: Pid) {
        if let Some(key) = self.latest(pid) {
            self.look(key);
        }
    }

    /// Has it looked for the last time, because a process ended.
    pub fn ended(&mut self, pid: Pid) {
        if let Some(key) = self.latest(pid) {
            self.look(key);
            self.change(key, |process| {
                process.has_ended = true;
                process.forget_home();
            });
        }
    }

    /// Takes what was found meanwhile; never waits.
    pub fn take_found(&mut self) {
        self.hear(Duration::ZERO);
    }

    /// Looks for what processes wrote that run still, and waits for it as long as anything moves.
    pub fn finish(&mut self) {
        self.settle();
        let has_home = |(&key, process): (_, &Process)| process.has_home().then_some(key);
        let keys: Vec<_> = self.processes.iter().filter_map(has_home).collect();
        for key in keys {
            self.look(key);
            self.change(key, Process::forget_home);
        }
        self.settle();
    }

    /// The files that were looked for, and whoever has them still does not answer.
    pub fn unanswered(&self) -> impl Iterator<Item = String> {
        let hanging = self.searcher.hanging();
        hanging.map(|look| format!("perf-{pid}.map or jit-{pid}.dump", pid = look.key.0))
    }

    /// What there is to read of a process.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn sources(&self, pid: Pid, start: ProcessStart) -> Result<Sources, Unnamed> {
        let process = self.processes.get(&(pid, start)).ok_or(Unnamed::NoJitMap)?;
        let found = process.found.as_ref().map_err(|&reason| reason)?;
        Ok(Sources {
            map: found.map.clone(),
            dump: found.dump.clone(),
            until: process.last_seen,
        })
    }

    /// The process that had this pid last.
    fn latest(&self, pid: Pid) -> Option<Key> {
        let all = (pid, ProcessStart(0))..=(pid, ProcessStart(u64::MAX));
        self.processes.range(all).next_back().map(|(&key, _)| key)
    }

    /// Asks for a look at a process, where something may come of it.
    fn look(&mut self, key: Key) {
        let Some(process) = self.processes.get(&key) else {
            return;
        };
        // one thread that hangs there is enough
        if process.found.is_ok() || self.searcher.hanging().any(|look| look.key == key) {
            return;
        }
        let (holds, now) = (process.holds(), process.last_seen);
        if !holds && !self.make_room(now) {
            self.change(key, Process::give_up);
            return;
        }
        let caller = self.caller;
        let look = self.change(key, |process| {
            process.looks += 1;
            Look {
                key,
                caller,
                home: Arc::clone(&process.home),
            }
        });
        self.searcher.ask(look);
    }

    fn settle(&mut self) {
        while self.searcher.is_busy() {
            self.hear(ROUND);
        }
    }

    fn hear(&mut self, at_most: Duration) {
        while let Some((look, found)) = self.searcher.take(at_most) {
            let key = look.key;
            if let Ok(found) = found {
                self.change(key, |process| process.take(found));
            } else {
                // what this one waited for in vain, others would too
                let others = self.searcher.forget(|other| other.key == key).len();
                self.change(key, |process| process.give_up_looks(1 + others));
            }
        }
    }

    /// Tells whether there is room for one more process. Where all is taken, a process gives its
    /// own up: of those that ended the first, or else the one that was not sampled for the longest
    /// time, if that is long.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.held < self.held_at_most {
            return true;
        }
        let is_over = |process: &Process| {
            let unseen = now.0.saturating_sub(process.last_seen.0);
            process.looks == 0 && process.holds() && (process.has_ended || unseen >= LONG)
        };
        let over = self
            .processes
            .iter()
            .filter(|(_, process)| is_over(process));
        let oldest = over.min_by_key(|(_, process)| (!process.has_ended, process.last_seen));
        let Some(key) = oldest.map(|(&key, _)| key) else {
            return false;
        };
        self.change(key, Process::give_up);
        true
    }

    /// Makes a change to a process that may give it room, or take that.
    fn change<R>(&mut self, key: Key, change: impl FnOnce(&mut Process) -> R) -> Option<R> {
        let process = self.processes.get_mut(&key)?;
        let before = usize::from(process.holds());
        let result = change(process);
        self.held = self.held + usize::from(process.holds()) - before;
        Some(result)
    }

    /// Forgets processes where there are too many: first those of which it stays true that they
    /// have no map, as it is said of who is not known.
    fn forget_some(&mut self) {
        if self.processes.len() >= PROCESSES_MAX {
            self.processes.retain(|_, process| !process.lacks_map());
        }
        if self.processes.len() >= PROCESSES_MAX {
            self.processes.retain(|_, process| process.holds());
        }
    }
}

impl Process {
    fn seen_at(time: Timestamp) -> Self {
        Self {
            last_seen: time,
            next_look: time,
            pause: PAUSE,
            has_ended: false,
            looks: 0,
            home: Arc::default(),
            // until it was looked
            found: Err(Unnamed::NotOpened),
        }
    }

    fn has_home(&self) -> bool {
        self.home.get().is_some()
    }

    /// Whether anything is held of it, or may be by a look that is under way.
    fn holds(&self) -> bool {
        self.looks > 0 || self.has_home() || self.found.is_ok()
    }

    fn lacks_map(&self) -> bool {
        !self.holds() && matches!(self.found, Err(Unnamed::NoJitMap))
    }

    /// Takes what a look came to. What was found before stays.
    fn take(&mut self, found: Result<Found, Unnamed>) {
        self.looks -= 1;
        if self.found.is_err() {
            self.found = found;
        }
        if self.found.is_ok() {
            self.forget_home();
        }
    }

    /// Takes notice that so many looks came to nothing. What was found before stays.
    fn give_up_looks(&mut self, looks: usize) {
        self.looks -= looks;
        if self.found.is_err() {
            self.give_up();
        }
    }

    /// Gives up what is held, or could be. It does not count as one that wrote no names.
    fn give_up(&mut self) {
        self.found = Err(Unnamed::NotOpened);
        self.forget_home();
    }

    /// Leaves its home to looks that are under way, and to threads that were left behind.
    fn forget_home(&mut self) {
        self.home = Arc::default();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::patient::Patient;
    use super::*;
    use crate::proc::stat;

    const NOBODY: Pid = Pid(u32::MAX);

    /// One that has room for three processes, and so many that hold something and were seen when
    /// they started.
    fn holding(count: u64) -> JitMaps {
        let mut maps = JitMaps::with(search::searcher(), 3, None);
        for start in 1..=count {
            let key = (NOBODY, ProcessStart(start));
            let process = Process::seen_at(Timestamp(start));
            maps.processes.insert(key, process);
            let nothing = Found {
                map: None,
                dump: None,
            };
            maps.change(key, |process| process.found = Ok(nothing));
        }
        maps
    }

    /// Why a process has no names, if it is for that.
    fn reason(maps: &JitMaps, start: u64) -> Option<Unnamed> {
        maps.sources(NOBODY, ProcessStart(start)).err()
    }

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
            maps.settle();
            assert!(maps.processes.len() <= PROCESSES_MAX);
        }
        assert!(maps.processes.contains_key(&(own, own_start)));
        assert!(maps.processes.contains_key(&(NOBODY, ProcessStart(count))));
        assert_eq!(maps.held, 1);
        assert_eq!(reason(&maps, count), Some(Unnamed::NoJitMap));
    }

    /// Check that what a process holds is given back when it is gone.
    #[test]
    fn homes_are_given_back() {
        let mut maps = JitMaps::new(None);
        let own = Pid(std::process::id());
        let start = stat::start(own).expect("it is there");
        for time in [1, PAUSE * 10] {
            maps.see(own, start, Timestamp(time));
            assert_eq!(maps.held, 1, "it may be found");
            maps.settle();
            assert_eq!(maps.held, 1);
        }
        maps.ended(own);
        maps.settle();
        assert_eq!(maps.held, 0);
    }

    /// Check that where all room is taken the process that ended first gives its own up, before
    /// those that only were not sampled for long, and that no other does.
    #[test]
    fn who_ended_makes_room() {
        let mut maps = holding(3);
        assert!(!maps.make_room(Timestamp(LONG)), "all of them may go on");
        for start in [2, 3] {
            let ended = |process: &mut Process| process.has_ended = true;
            maps.change((NOBODY, ProcessStart(start)), ended);
        }
        assert!(maps.make_room(Timestamp(LONG + 1)));
        assert_eq!(reason(&maps, 1), None);
        assert_eq!(reason(&maps, 2), Some(Unnamed::NotOpened));
        assert_eq!(reason(&maps, 3), None);
        assert_eq!(maps.held, 2);

        let mut maps = holding(3);
        assert!(maps.make_room(Timestamp(LONG + 1)));
        assert_eq!(reason(&maps, 1), Some(Unnamed::NotOpened));
    }

    /// Check that a process for which there is no room does not count as one that wrote nothing,
    /// and is looked at when there is.
    #[test]
    fn reasons_are_true_without_room() {
        let mut maps = holding(3);
        let late = ProcessStart(4);
        maps.see(NOBODY, late, Timestamp(4));
        assert!(!maps.searcher.is_busy());
        assert_eq!(reason(&maps, 4), Some(Unnamed::NotOpened));
        maps.change((NOBODY, ProcessStart(2)), |process| {
            process.has_ended = true;
        });
        maps.see(NOBODY, late, Timestamp(4 + PAUSE));
        maps.settle();
        assert_eq!(reason(&maps, 4), Some(Unnamed::NoJitMap), "it is not there");
        assert_eq!(maps.held, 2);
    }

    /// Check that a process whose files nobody answers for costs its own names, is asked for once
    /// as long as that is so, and holds nothing.
    #[test]
    fn who_is_not_answered_for_is_given_up() {
        let searcher: Searcher = Patient::new("test-looks", ROUND * 3, || {
            Box::new(|| {
                Box::new(|look: &Look| match look.key.1 {
                    ProcessStart(1) => loop {
                        thread::park();
                    },
                    _ => Err(Unnamed::NoJitMap),
                })
            })
        });
        let mut maps = JitMaps::with(searcher, HELD_MAX, None);
        maps.see(NOBODY, ProcessStart(1), Timestamp(1));
        maps.replaced(NOBODY);
        maps.see(NOBODY, ProcessStart(2), Timestamp(2));
        assert_eq!(maps.held, 2);
        maps.settle();
        assert_eq!(reason(&maps, 1), Some(Unnamed::NotOpened));
        assert_eq!(reason(&maps, 2), Some(Unnamed::NoJitMap));
        assert_eq!(maps.unanswered().count(), 1);
        maps.see(NOBODY, ProcessStart(1), Timestamp(PAUSE * 10));
        assert!(!maps.searcher.is_busy());
        maps.finish();
        assert_eq!(maps.held, 0);
    }
}
