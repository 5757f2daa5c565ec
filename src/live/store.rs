//! Everything that is known of what was sampled, within bounds.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::activity::Activity;
use super::batch::Batch;
use super::decay::Decaying;
use super::entries::{self, Entries, Entry, EntryId, Function};
use super::heat::Heat;
use super::history::{History, Row};
use super::interned::{Id as _, Interned, id};
use crate::event::{Comm, Variable};
use crate::id::{Cpu, Pid, Tid};
use crate::profile::environments::Environments;
use crate::profile::frames::{Frame, FrameId};
use crate::profile::modules::ModuleTable;
use crate::profile::names::{Location, NamedFrame, Naming};
use crate::profile::stacks::{StackId, StackTable};
use crate::profile::threads::{Thread, ThreadId, ThreadTable};
use crate::time::Timestamp;

/// Characters of a variable's value that are kept.
const VALUE_CHARS: usize = 100;

id!(
    /// A site's place in the table.
    SiteId
);
id!(
    /// A key's place in the table.
    KeyId
);

/// The functions at a place in the code, outermost first. Places with the same functions
/// are one: there are far fewer of these than addresses.
pub type Site = Arc<[EntryId]>;

/// A frame by the number that it came with, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameNumber(u32);

impl FrameNumber {
    /// No frame.
    pub const NONE: Self = Self(u32::MAX);

    /// The number as a position; behind all others where it is none.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    fn of(frame: FrameId) -> Self {
        Self(u32::try_from(frame.index()).unwrap_or(u32::MAX))
    }
}

/// What samples are put together by before anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The thread.
    pub thread: ThreadId,
    /// The CPU.
    pub cpu: Cpu,
    /// The sites.
    pub stack: StackId,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Samples that are kept one by one.
    pub rows: usize,
    /// Combinations of thread, CPU and stack that are told apart.
    pub keys: usize,
    /// Stacks and their beginnings; beside these, one `[forgotten]` on top of each.
    pub stacks: usize,
    /// Threads by their names.
    pub threads: usize,
    /// Seconds of the timeline.
    pub seconds: usize,
}

impl Bounds {
    /// While sampling goes on. At 20,000 samples a second their last 50 seconds are kept
    /// one by one. All tables together take up to 200 MB, also while they are made anew;
    /// what waits to be shown up to 100 MB; whoever captures and what finds names some
    /// 100 MB, and the largest debug information that is read.
    pub const LIVE: Self = Self {
        rows: 1_000_000,
        keys: 1 << 17,
        stacks: 1 << 18,
        threads: 1 << 14,
        seconds: 3600,
    };
    /// Everything is kept: there will be no more.
    pub const NONE: Self = Self {
        rows: usize::MAX,
        keys: usize::MAX,
        stacks: usize::MAX,
        threads: usize::MAX,
        seconds: usize::MAX,
    };
}

/// A frame that samples refer to by number.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownFrame {
    pub(super) frame: Frame,
    pub(super) site: SiteId,
    /// Whether the site is that of its functions, not of its place.
    pub(super) is_named: bool,
}

/// What was sampled.
#[derive(Debug)]
pub struct Store {
    pub(super) began: Timestamp,
    pub(super) bounds: Bounds,
    bin: u64,
    pub(super) modules: ModuleTable,
    /// By number.
    pub(super) frames: Vec<KnownFrame>,
    pub(super) entries: Entries,
    pub(super) locations: FxHashMap<EntryId, Location>,
    pub(super) sites: Interned<SiteId, Site>,
    /// A frame of each site.
    pub(super) places: Vec<Frame>,
    /// Sites that stood for a place until its functions had names.
    pub(super) renamed: FxHashMap<SiteId, SiteId>,
    pub(super) stacks: StackTable<SiteId>,
    pub(super) threads: ThreadTable,
    pub(super) environments: Environments,
    pub(super) process_names: FxHashMap<Pid, (Comm, bool)>,
    pub(super) thread_names: FxHashMap<(Pid, Tid), Comm>,
    /// Names of threads that are told apart after their end.
    pub(super) ended: FxHashSet<Comm>,
    pub(super) keys: Interned<KeyId, Key>,
    pub(super) history: History,
    /// Sums of weights by key.
    pub(super) all: Vec<f64>,
    pub(super) decaying: Decaying,
    pub(super) heat: Heat,
    pub(super) activity: Activity,
    /// The latest stack of each CPU: the next one mostly begins alike.
    latest: FxHashMap<Cpu, Vec<(FrameId, StackId)>>,
}

impl Store {
    /// Makes an empty one, with bins of so many nanoseconds for what threads did.
    #[must_use]
    pub fn new(began: Timestamp, bounds: Bounds, bin: u64) -> Self {
        Self {
            began,
            bounds,
            bin,
            modules: ModuleTable::default(),
            frames: Vec::new(),
            entries: Entries::default(),
            locations: FxHashMap::default(),
            sites: Interned::default(),
            places: Vec::new(),
            renamed: FxHashMap::default(),
            stacks: StackTable::default(),
            threads: ThreadTable::default(),
            environments: Environments::default(),
            process_names: FxHashMap::default(),
            thread_names: FxHashMap::default(),
            ended: FxHashSet::default(),
            keys: Interned::default(),
            history: History::new(bounds.rows),
            all: Vec::new(),
            decaying: Decaying::new(began),
            heat: Heat::new(began, bounds.seconds),
            activity: Activity::new(began, bin),
            latest: FxHashMap::default(),
        }
    }

    /// Takes what became known; returns the samples, and those that had to make room.
    pub fn apply(&mut self, mut batch: Batch) -> Applied {
        if batch.anew {
            self.forget_numbers();
        }
        for module in std::mem::take(&mut batch.modules) {
            self.modules.add(module);
        }
        for variable in std::mem::take(&mut batch.variables) {
            self.environments.add(shortened(variable));
        }
        for build_id in std::mem::take(&mut batch.build_ids) {
            self.modules.add_build_id(build_id);
        }
        for &frame in &batch.frames {
            self.define(frame);
        }
        let new: Vec<_> = batch
            .samples()
            .map(|(sample, stack)| {
                let thread = self.thread(sample.thread);
                let stack_id = self.stack(sample.cpu, stack);
                let key = self.keys.intern(Key {
                    thread,
                    cpu: sample.cpu,
                    stack: stack_id,
                });
                let row = Row {
                    time: sample.time,
                    weight: sample.weight.0,
                    key,
                    leaf: stack
                        .last()
                        .map_or(FrameNumber::NONE, |&leaf| FrameNumber::of(leaf)),
                };
                self.count(&row, thread);
                row
            })
            .collect();
        let dropped = self.history.make_room(new.len());
        self.history.extend(&new);
        for (frame, naming) in batch.named {
            self.name(frame, &naming);
        }
        let shrunk = batch
            .samples
            .last()
            .and_then(|sample| self.decaying.shrink(sample.time));
        Applied {
            new,
            dropped,
            shrunk,
        }
    }

    /// Forgets every sample, as if sampling began now.
    pub fn forget_samples(&mut self, now: Timestamp) {
        self.began = now;
        self.history = History::new(self.bounds.rows);
        self.all.fill(0.0);
        self.decaying = Decaying::new(now);
        self.heat = Heat::new(now, self.bounds.seconds);
        self.activity = Activity::new(now, self.bin);
    }

    /// How much is kept at most.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// When the first sample may have been taken.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Functions, and what samples are put together by.
    #[must_use]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Adds an entry.
    pub fn entry(&mut self, entry: Entry) -> EntryId {
        self.entries.intern(entry)
    }

    /// Where a function is in its source, as far as one frame of it tells.
    #[must_use]
    pub fn location(&self, entry: EntryId) -> Option<&Location> {
        self.locations.get(&entry)
    }

    /// The threads.
    #[must_use]
    pub fn threads(&self) -> &ThreadTable {
        &self.threads
    }

    /// The name of a process: that of its first thread, or else of any.
    #[must_use]
    pub fn process_name(&self, pid: Pid) -> Option<Comm> {
        self.process_names.get(&pid).map(|&(comm, _)| comm)
    }

    /// Variables of environments that were asked for.
    #[must_use]
    pub fn environments(&self) -> &Environments {
        &self.environments
    }

    /// The latest name of a thread.
    #[must_use]
    pub fn thread_name(&self, pid: Pid, tid: Tid) -> Option<Comm> {
        self.thread_names.get(&(pid, tid)).copied()
    }

    /// When the latest sample was taken.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.history.iter().next_back().map(|row| row.time)
    }

    /// What samples were put together by.
    #[must_use]
    pub fn keys(&self) -> &Interned<KeyId, Key> {
        &self.keys
    }

    /// The samples that are kept one by one.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Sums of weights by key, of everything.
    #[must_use]
    pub fn all(&self) -> &[f64] {
        &self.all
    }

    /// Sums of weights by key that halve every so often.
    #[must_use]
    pub fn decaying(&self) -> &Decaying {
        &self.decaying
    }

    /// How much was sampled when.
    #[must_use]
    pub fn heat(&self) -> &Heat {
        &self.heat
    }

    /// How much each thread was sampled lately.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The sites of a stack, root first.
    #[must_use]
    pub fn sites(&self, stack: StackId) -> Vec<SiteId> {
        self.stacks.frames(stack)
    }

    /// The stack below a stack's leaf, and the functions of the leaf.
    #[must_use]
    pub fn split(&self, stack: StackId) -> Option<(StackId, &Site)> {
        let (parent, site) = self.stacks.split(stack)?;
        Some((parent, self.sites.get(site)))
    }

    /// How many stacks there are.
    #[must_use]
    pub fn stack_count(&self) -> usize {
        self.stacks.len()
    }

    fn count(&mut self, row: &Row, thread: ThreadId) {
        let key = row.key.index();
        if key >= self.all.len() {
            self.all.resize(key + 1, 0.0);
        }
        self.all[key] += row.weight as f64;
        self.decaying.add(key, row.time, row.weight);
        self.heat.add(row.time, row.weight);
        self.activity.add(thread.index(), row.time, row.weight);
    }

    /// Makes room for frames with numbers from the first on.
    fn forget_numbers(&mut self) {
        self.frames.clear();
        self.latest.clear();
        for row in self.history.iter_mut() {
            row.leaf = FrameNumber::NONE;
        }
    }

    fn define(&mut self, frame: Frame) {
        let place = entries::place(frame, &self.modules);
        let functions =
            entries::functions(frame, &Naming::Named(vec![place.into()]), &self.modules);
        let site = self.site(functions, frame);
        self.frames.push(KnownFrame {
            frame,
            site,
            is_named: false,
        });
    }

    fn site(&mut self, functions: Vec<Function>, frame: Frame) -> SiteId {
        let functions = functions.into_iter().map(Entry::Function);
        let site: Site = functions.map(|entry| self.entries.intern(entry)).collect();
        let id = self.sites.intern(site);
        if id.index() == self.places.len() {
            self.places.push(frame);
        }
        id
    }

    fn name(&mut self, frame: FrameId, naming: &Naming) {
        let Some(&known) = self.frames.get(frame.index()) else {
            return;
        };
        let functions = entries::functions(known.frame, naming, &self.modules);
        let site = self.site(functions, known.frame);
        if let Naming::Named(names) = naming {
            self.locate(site, names);
        }
        if site != known.site && !known.is_named {
            self.renamed.insert(known.site, site);
        }
        self.frames[frame.index()] = KnownFrame {
            site,
            is_named: matches!(naming, Naming::Named(_)),
            ..known
        };
        self.latest.clear();
    }

    /// Keeps where functions are in their source.
    fn locate(&mut self, site: SiteId, names: &[NamedFrame]) {
        for (entry, named) in self.sites.get(site).iter().zip(names) {
            if let Some(location) = &named.location {
                let location = || location.clone();
                self.locations.entry(*entry).or_insert_with(location);
            }
        }
    }

    fn thread(&mut self, thread: Thread) -> ThreadId {
        let known = self.threads.len();
        let id = self.threads.intern(thread);
        if id.index() == known {
            self.thread_names
                .insert((thread.pid, thread.tid), thread.comm);
            let is_first = thread.tid.0 == thread.pid.0;
            let name = self.process_names.entry(thread.pid);
            let name = name.or_insert((thread.comm, is_first));
            if is_first || !name.1 {
                *name = (thread.comm, is_first);
            }
        }
        id
    }

    fn stack(&mut self, cpu: Cpu, frames: &[FrameId]) -> StackId {
        let mut latest = self.latest.remove(&cpu).unwrap_or_default();
        let same = latest.iter().zip(frames);
        let same = same.take_while(|((before, _), now)| before == *now).count();
        latest.truncate(same);
        let mut stack = latest.last().map_or(StackId::ROOT, |&(_, stack)| stack);
        for &frame in &frames[same..] {
            // A frame that was not defined is of whoever captured; nothing is known of it.
            if let Some(&KnownFrame { site, .. }) = self.frames.get(frame.index()) {
                let Some(known) = self.stack_of(stack, site) else {
                    let forgotten = self.forgotten();
                    stack = self.stacks.intern(stack, forgotten);
                    break;
                };
                stack = known;
            }
            latest.push((frame, stack));
        }
        self.latest.insert(cpu, latest);
        stack
    }

    /// The stack of a site called from another, if it is known or there is room.
    fn stack_of(&mut self, parent: StackId, site: SiteId) -> Option<StackId> {
        if self.stacks.len() < self.bounds.stacks {
            return Some(self.stacks.intern(parent, site));
        }
        self.stacks.find(parent, site)
    }

    pub(super) fn forget_latest(&mut self) {
        self.latest.clear();
    }
}

/// A variable with as much of its value as is kept.
fn shortened(mut variable: Variable) -> Variable {
    if let Some((end, _)) = variable.value.char_indices().nth(VALUE_CHARS) {
        variable.value.truncate(end);
        variable.value.push('…');
    }
    variable
}

/// What came of a batch.
#[derive(Debug)]
pub struct Applied {
    /// Its samples.
    pub new: Vec<Row>,
    /// Samples that are no longer kept one by one.
    pub dropped: Vec<Row>,
    /// What decaying sums were multiplied with, where they were.
    pub shrunk: Option<f64>,
}
