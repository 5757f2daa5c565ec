//! Makes the tables of a store anew: with the names that were found meanwhile, and
//! without what there is no room for.
//!
//! What is kept: samples of which every one is known, latest first, then the heaviest
//! stacks. What is not kept counts on as `[forgotten]`, by the name of its thread; so does,
//! on top of its known callers, what comes while there is no room.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::entries::{Entries, Entry, EntryId, Function, Kind};
use super::interned::{Id as _, Interned};
use super::store::{Key, KeyId, SiteId, Store};
use crate::addr::UserAddress;
use crate::event::Comm;
use crate::id::{CgroupId, Cpu, EnvironmentId, Pid, Tid};
use crate::profile::frames::Frame;
use crate::profile::stacks::{StackId, StackTable};
use crate::profile::threads::{Thread, ThreadId, ThreadTable};
use crate::time::ProcessStart;

/// What stands for stacks that are not known any more.
const FORGOTTEN: &str = "[forgotten]";
/// What threads are called that ended with too many names.
const OTHERS: &str = "[others]";

/// What became of the numbers.
#[derive(Debug)]
pub struct Rebuilt {
    /// By old number the new one of each key.
    pub keys: Vec<KeyId>,
    /// By old number the new one of entries that were held; several where functions have
    /// taken the place of a place.
    pub entries: FxHashMap<EntryId, Vec<EntryId>>,
}

impl Rebuilt {
    /// The new numbers along a path.
    #[must_use]
    pub fn path(&self, old: &[EntryId]) -> Vec<EntryId> {
        let new = old.iter().filter_map(|entry| self.entries.get(entry));
        new.flatten().copied().collect()
    }

    /// The new number of an entry.
    #[must_use]
    pub fn entry(&self, old: EntryId) -> Option<EntryId> {
        self.entries.get(&old)?.first().copied()
    }
}

impl Store {
    /// Whether there are new names, or too much for the bounds.
    #[must_use]
    pub fn wants_rebuild(&self) -> bool {
        !self.renamed.is_empty() || self.is_too_large()
    }

    /// Whether there is no room for more.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.is_overfull() || self.stacks.len() >= self.bounds.stacks
    }

    /// Whether there is more than the bounds allow. Stacks are never too many: what comes
    /// when there is no room for one counts as `[forgotten]` by what is known of its callers.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.keys.len() > self.bounds.keys || self.threads.len() > self.bounds.threads
    }

    /// Makes the tables anew; keys with a sum in `shown` stay as long as any do, and
    /// entries in `held` stay anyway.
    pub fn rebuild(&mut self, shown: &[f64], held: &[EntryId]) -> Rebuilt {
        let kept = self.choose(shown);
        let threads = self.renumber_threads();
        self.forget_environments();
        let held = self.hold(held);
        let stacks = self.renumber_stacks(&kept.stacks);
        let keys = self.renumber_keys(&kept.keys, &threads, &stacks);
        for row in self.history.iter_mut() {
            row.key = keys[row.key.index()];
        }
        self.forget_latest();
        let mut intern = |entry| self.entries.intern(entry);
        let new = |(id, entries): (_, Vec<_>)| (id, entries.into_iter().map(&mut intern).collect());
        let entries = held.into_iter().map(new).collect();
        Rebuilt { keys, entries }
    }

    /// Chooses what is kept, and drops samples of what is not.
    fn choose(&mut self, shown: &[f64]) -> Kept {
        let mut kept = Kept::nothing(self.keys.len(), self.stacks.len());
        if !self.is_too_large() {
            let sum = |sums: &[f64], at: usize| sums.get(at).copied().unwrap_or_default();
            for (id, key) in self.keys.iter() {
                if sum(&self.all, id.index()) > 0.0 || sum(shown, id.index()) > 0.0 {
                    kept.add(id, key, &self.stacks);
                }
            }
            return kept;
        }
        let (keys, stacks) = (self.bounds.keys / 2, self.bounds.stacks / 2);
        let heaviest_first = |sums: &[f64]| {
            let mut order: Vec<_> = (0..sums.len()).filter(|&key| sums[key] > 0.0).collect();
            order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
            order
        };
        let mut add = |key: usize, part: usize| {
            let id = KeyId::at(key);
            let has_room = kept.key_count < keys / 4 * part && kept.stack_count < stacks / 4 * part;
            if kept.keys[key] || has_room {
                kept.add(id, self.keys.get(id), &self.stacks);
                return true;
            }
            false
        };
        for key in heaviest_first(shown) {
            add(key, 1);
        }
        let dropped = {
            let mut rows = self.history.iter().enumerate().rev();
            let first = rows.find(|(_, row)| !add(row.key.index(), 3));
            first.map_or(0, |(at, _)| at + 1)
        };
        for key in heaviest_first(&self.all) {
            add(key, 4);
        }
        self.history.drop_oldest(dropped);
        kept
    }

    /// Keeps the variables of threads that are there.
    fn forget_environments(&mut self) {
        let threads = self.threads.iter();
        let kept: FxHashSet<_> = threads
            .map(|(_, thread)| (thread.pid, thread.environment))
            .collect();
        self.environments
            .retain(|pid, environment| kept.contains(&(pid, environment)));
    }

    /// Numbers threads anew; those that are too many and were not sampled lately are one
    /// by name.
    fn renumber_threads(&mut self) -> Vec<ThreadId> {
        let old = std::mem::take(&mut self.threads);
        let mut is_recent = vec![old.len() <= self.bounds.threads; old.len()];
        if old.len() > self.bounds.threads {
            let rows = self.history.iter().rev();
            let mut room = self.bounds.threads / 2;
            for row in rows {
                let thread = self.keys.get(row.key).thread.index();
                if !is_recent[thread] && room > 0 {
                    is_recent[thread] = true;
                    room -= 1;
                }
            }
        }
        let mut new = ThreadTable::default();
        let mut numbers = Vec::with_capacity(old.len());
        for (id, thread) in old.iter() {
            let is_recent = is_recent[id.index()];
            numbers.push(new.intern(if is_recent {
                *thread
            } else {
                self.ended(thread.comm)
            }));
        }
        self.activity.renumber(|thread| {
            let is_recent = *is_recent.get(thread)?;
            is_recent.then(|| numbers[thread].index())
        });
        let pids: FxHashSet<_> = new.iter().map(|(_, thread)| thread.pid).collect();
        let tids: FxHashSet<_> = new
            .iter()
            .map(|(_, thread)| (thread.pid, thread.tid))
            .collect();
        self.process_names.retain(|pid, _| pids.contains(pid));
        self.thread_names.retain(|thread, _| tids.contains(thread));
        self.threads = new;
        numbers
    }

    /// Entries by their old numbers, as they are to be called.
    fn hold(&self, held: &[EntryId]) -> Vec<(EntryId, Vec<Entry>)> {
        let entry = |&id: &EntryId| self.entries.get(id).clone();
        let renamed = self.renamed.iter().filter_map(|(&old, &new)| {
            let place = *self.sites.get(old).first()?;
            Some((place, self.sites.get(new)))
        });
        let renamed: FxHashMap<_, _> = renamed.collect();
        let called = |&id: &EntryId| match renamed.get(&id) {
            Some(functions) => (id, functions.iter().map(entry).collect()),
            None => (id, vec![entry(&id)]),
        };
        held.iter().map(called).collect()
    }

    /// Makes stacks, sites and entries anew from the stacks that are kept; gives the new
    /// number of each old one.
    fn renumber_stacks(&mut self, kept: &[bool]) -> Vec<StackId> {
        let mut tables = Tables::default();
        let old = std::mem::take(&mut self.stacks);
        let mut numbers = vec![StackId::ROOT; old.len() + 1];
        for (stack, parent, site) in old.iter() {
            if !kept[stack.index()] {
                continue;
            }
            let site = self.renamed.get(&site).copied().unwrap_or(site);
            let site = tables.site(self, site);
            numbers[stack.index()] = self.stacks.intern(numbers[parent.index()], site);
        }
        for at in 0..self.frames.len() {
            let site = tables.site(self, self.frames[at].site);
            self.frames[at].site = site;
        }
        let locations = std::mem::take(&mut self.locations);
        for (entry, location) in locations {
            if let Some(entry) = tables.entries.find(self.entries.get(entry)) {
                self.locations.insert(entry, location);
            }
        }
        self.entries = tables.entries;
        self.sites = tables.sites;
        self.places = tables.places;
        self.renamed.clear();
        numbers
    }

    /// Makes keys and their sums anew; gives the new number of each old one.
    fn renumber_keys(
        &mut self,
        kept: &[bool],
        threads: &[ThreadId],
        stacks: &[StackId],
    ) -> Vec<KeyId> {
        let old = std::mem::take(&mut self.keys);
        let old_all = std::mem::take(&mut self.all);
        let mut decaying = Vec::new();
        let mut numbers = Vec::with_capacity(old.len());
        let forgotten = self.forgotten();
        let forgotten = self.stacks.intern(StackId::ROOT, forgotten);
        for (id, key) in old.iter() {
            let thread = threads[key.thread.index()];
            let all = old_all.get(id.index()).copied().unwrap_or_default();
            let new = if kept[id.index()] || all <= 0.0 {
                Key {
                    thread,
                    cpu: key.cpu,
                    stack: stacks[key.stack.index()],
                }
            } else {
                let thread = self.ended(self.threads.get(thread).comm);
                Key {
                    thread: self.threads.intern(thread),
                    cpu: Cpu(0),
                    stack: forgotten,
                }
            };
            let new = self.keys.intern(new);
            self.all.resize(self.keys.len(), 0.0);
            decaying.resize(self.keys.len(), 0.0);
            self.all[new.index()] += all;
            let decayed = self.decaying.sums().get(id.index());
            decaying[new.index()] += decayed.copied().unwrap_or_default();
            numbers.push(new);
        }
        self.decaying.replace(decaying);
        numbers
    }

    /// What a thread becomes when there are too many: all of one name.
    fn ended(&mut self, comm: Comm) -> Thread {
        let has_room = self.ended.len() < self.bounds.threads / 4;
        let is_told = self.ended.contains(&comm) || has_room && self.ended.insert(comm);
        Thread {
            pid: Pid(0),
            tid: Tid(0),
            comm: if is_told { comm } else { OTHERS.into() },
            cgroup: CgroupId::UNKNOWN,
            environment: EnvironmentId::NONE,
        }
    }

    /// The site that stands for those that are not known, or not any more.
    pub(super) fn forgotten(&mut self) -> SiteId {
        let entry = self.entry(Entry::Function(Function {
            name: FORGOTTEN.into(),
            kind: Kind::Reason,
            module: Arc::default(),
        }));
        let site = self.sites.intern([entry].into());
        if site.index() == self.places.len() {
            // a place that no process has
            let nowhere = Frame::Anonymous(Pid(0), ProcessStart(0), UserAddress(0));
            self.places.push(nowhere);
        }
        site
    }
}

/// What is kept, by old number.
struct Kept {
    keys: Vec<bool>,
    stacks: Vec<bool>,
    key_count: usize,
    stack_count: usize,
}

impl Kept {
    fn nothing(keys: usize, stacks: usize) -> Self {
        let mut stacks = vec![false; stacks + 1];
        stacks[StackId::ROOT.index()] = true;
        Self {
            keys: vec![false; keys],
            stacks,
            key_count: 0,
            stack_count: 0,
        }
    }

    fn add(&mut self, id: KeyId, key: &Key, stacks: &StackTable<SiteId>) {
        if std::mem::replace(&mut self.keys[id.index()], true) {
            return;
        }
        self.key_count += 1;
        let mut stack = key.stack;
        while !std::mem::replace(&mut self.stacks[stack.index()], true) {
            self.stack_count += 1;
            let Some((parent, _)) = stacks.split(stack) else {
                break;
            };
            stack = parent;
        }
    }
}

/// Tables that are being made.
#[derive(Default)]
struct Tables {
    entries: Entries,
    sites: Interned<SiteId, super::store::Site>,
    places: Vec<Frame>,
    known: FxHashMap<SiteId, SiteId>,
}

impl Tables {
    /// The new number of a site.
    fn site(&mut self, store: &Store, old: SiteId) -> SiteId {
        if let Some(&new) = self.known.get(&old) {
            return new;
        }
        let entries = store.sites.get(old).iter();
        let entries = entries.map(|&entry| self.entries.intern(store.entries.get(entry).clone()));
        let new = self.sites.intern(entries.collect());
        if new.index() == self.places.len() {
            self.places.push(store.places[old.index()]);
        }
        self.known.insert(old, new);
        new
    }
}
