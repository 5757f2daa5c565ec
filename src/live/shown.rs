//! What of a store is asked for, kept up to date.

use std::time::Duration;

use regex::Regex;

use super::entries::{Entry, EntryId};
use super::history::Row;
use super::interned::Id as _;
use super::store::{Applied, Key, KeyId, Store};
use super::tree::{NodeId, Tree};
use crate::event::Comm;
use crate::profile::names::clean;
use crate::profile::stacks::StackId;
use crate::profile::threads::Thread;
use crate::time::Timestamp;

/// Which samples count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Those of so long until now.
    Recent(Duration),
    /// Every one.
    All,
    /// Every one, the older the less.
    Decaying,
    /// Those from a moment on, before another.
    Between(Timestamp, Timestamp),
}

/// What samples are put together by, at the root of their stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The process.
    Process,
    /// The thread.
    Thread,
    /// The CPU.
    Cpu,
    /// Nothing: all together.
    None,
}

/// Which threads and stacks count.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of processes of which "name pid" matches.
    pub process: Option<Regex>,
    /// Of threads of which "name tid" matches.
    pub thread: Option<Regex>,
    /// Stacks with a matching function.
    pub function: Option<Regex>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which samples.
    pub window: Window,
    /// What stands at the root of stacks.
    pub group: Group,
    /// Which threads and stacks.
    pub filter: Filter,
    /// Whether kernel functions are shown.
    pub kernel: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Window::All,
            group: Group::Process,
            filter: Filter::default(),
            kernel: true,
        }
    }
}

/// What was asked for.
#[derive(Debug)]
pub struct Shown {
    settings: Settings,
    tree: Tree,
    /// By key: not asked yet, not wanted, or the node where it ends.
    leaves: Vec<Leaf>,
    /// Sums by key, where the store has none of just these samples.
    sums: Vec<f64>,
    /// By entry: whether it is a function that matches the filter, where that is known.
    matching: Vec<Option<bool>>,
    now: Timestamp,
    is_frozen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    Unknown,
    Unwanted,
    At(NodeId),
}

impl Shown {
    /// Chooses from what there is now.
    #[must_use]
    pub fn new(store: &mut Store, settings: Settings, now: Timestamp) -> Self {
        let mut shown = Self {
            settings,
            tree: Tree::new(store.entry(Entry::All)),
            leaves: Vec::new(),
            sums: Vec::new(),
            matching: Vec::new(),
            now,
            is_frozen: false,
        };
        shown.rebuild(store);
        shown
    }

    /// What was asked for.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What came of it.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The same, to make nodes in it.
    pub fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// Until when samples are shown.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What to multiply weights with: decaying ones are kept larger than they are.
    #[must_use]
    pub fn factor(&self, store: &Store) -> f64 {
        match self.settings.window {
            Window::Decaying if !self.is_frozen => store.decaying().factor(self.now),
            _ => 1.0,
        }
    }

    /// Sums by key of the samples in the window, to be multiplied with the factor.
    #[must_use]
    pub fn sums<'a>(&'a self, store: &'a Store) -> &'a [f64] {
        match self.settings.window {
            Window::All if !self.is_frozen => store.all(),
            Window::Decaying if !self.is_frozen => store.decaying().sums(),
            _ => &self.sums,
        }
    }

    /// Sums by key that the store cannot make again.
    #[must_use]
    pub fn own_sums(&self) -> &[f64] {
        &self.sums
    }

    /// Whether a key's thread and stack are wanted.
    #[must_use]
    pub fn is_wanted(&self, key: KeyId) -> bool {
        matches!(self.leaves.get(key.index()), Some(Leaf::At(_)))
    }

    /// Asks for something else.
    pub fn set(&mut self, store: &mut Store, settings: Settings) {
        let is_other_window = self.settings.window != settings.window;
        self.settings = settings;
        if is_other_window && self.is_frozen {
            self.is_frozen = false;
            self.rebuild(store);
            self.freeze(store);
        } else {
            self.rebuild(store);
        }
    }

    /// Keeps what is shown as it is, whatever is sampled.
    pub fn freeze(&mut self, store: &Store) {
        let factor = self.factor(store);
        let sums = self.sums(store).iter().map(|sum| sum * factor).collect();
        self.sums = sums;
        self.tree.scale(factor);
        self.is_frozen = true;
    }

    /// Goes on.
    pub fn thaw(&mut self, store: &mut Store, now: Timestamp) {
        self.is_frozen = false;
        self.now = now;
        self.rebuild(store);
    }

    /// Takes what a batch brought.
    pub fn take(&mut self, store: &mut Store, applied: &Applied) {
        if self.is_frozen {
            return;
        }
        match self.settings.window {
            Window::All => {
                for row in &applied.new {
                    self.add_to_tree(store, row.key, row.weight as f64);
                }
            }
            Window::Decaying => {
                if let Some(factor) = applied.shrunk {
                    self.tree.scale(factor);
                }
                for row in &applied.new {
                    let weight = store.decaying().grown(row.time, row.weight);
                    self.add_to_tree(store, row.key, weight);
                }
            }
            Window::Recent(length) => {
                let from = before(self.now, length);
                let is_in = |row: &&Row| row.time >= from;
                for row in applied.new.iter().filter(is_in) {
                    self.add(store, row.key, row.weight as f64);
                }
                for row in applied.dropped.iter().filter(is_in) {
                    self.add(store, row.key, -(row.weight as f64));
                }
            }
            Window::Between(from, to) => {
                let is_in = |row: &&Row| (from..to).contains(&row.time);
                for row in applied.new.iter().filter(is_in) {
                    self.add(store, row.key, row.weight as f64);
                }
            }
        }
    }

    /// Goes on to another moment, which may leave samples behind.
    pub fn advance(&mut self, store: &mut Store, now: Timestamp) {
        if self.is_frozen || now <= self.now {
            return;
        }
        let before_now = std::mem::replace(&mut self.now, now);
        if let Window::Recent(length) = self.settings.window {
            let (from, to) = (before(before_now, length), before(now, length));
            let left: Vec<_> = store.history().between(from, to).copied().collect();
            for row in left {
                self.add(store, row.key, -(row.weight as f64));
            }
        }
    }

    /// Takes the new numbers of keys; what is shown is to be rebuilt then.
    pub fn renumber(&mut self, keys: &[KeyId]) {
        let old = std::mem::take(&mut self.sums);
        for (sum, new) in old.into_iter().zip(keys) {
            if new.index() >= self.sums.len() {
                self.sums.resize(new.index() + 1, 0.0);
            }
            self.sums[new.index()] += sum;
        }
        self.leaves.clear();
    }

    /// Makes the tree anew.
    pub fn rebuild(&mut self, store: &mut Store) {
        self.tree = Tree::new(store.entry(Entry::All));
        self.leaves.clear();
        self.matching.clear();
        if !self.is_frozen {
            self.count(store);
        }
        let sums = self.sums(store).iter().enumerate();
        let sums: Vec<_> = sums.filter(|(_, sum)| **sum > 0.0).collect();
        let sums: Vec<_> = sums.into_iter().map(|(key, &sum)| (key, sum)).collect();
        for (key, sum) in sums {
            self.add_to_tree(store, KeyId::at(key), sum);
        }
    }

    /// Sums up the samples of the window.
    fn count(&mut self, store: &Store) {
        self.sums.clear();
        let (from, to) = match self.settings.window {
            Window::All | Window::Decaying => return,
            Window::Recent(length) => (before(self.now, length), Timestamp(u64::MAX)),
            Window::Between(from, to) => (from, to),
        };
        self.sums.resize(store.keys().len(), 0.0);
        for row in store.history().between(from, to) {
            self.sums[row.key.index()] += row.weight as f64;
        }
    }

    fn add(&mut self, store: &mut Store, key: KeyId, weight: f64) {
        if key.index() >= self.sums.len() {
            self.sums.resize(store.keys().len(), 0.0);
        }
        self.sums[key.index()] += weight;
        self.add_to_tree(store, key, weight);
    }

    fn add_to_tree(&mut self, store: &mut Store, key: KeyId, weight: f64) {
        if let Leaf::At(node) = self.leaf(store, key) {
            self.tree.add(node, weight);
        }
    }

    fn leaf(&mut self, store: &mut Store, id: KeyId) -> Leaf {
        if id.index() >= self.leaves.len() {
            self.leaves.resize(store.keys().len(), Leaf::Unknown);
        }
        let known = self.leaves[id.index()];
        if known != Leaf::Unknown {
            return known;
        }
        let key = *store.keys().get(id);
        let leaf = if self.is_asked_for(store, &key) {
            let below = match self.label(store, &key) {
                Some(label) => self.tree.child(Tree::root(), label),
                None => Tree::root(),
            };
            Leaf::At(self.node(store, below, key.stack))
        } else {
            Leaf::Unwanted
        };
        self.leaves[id.index()] = leaf;
        leaf
    }

    fn is_asked_for(&mut self, store: &Store, key: &Key) -> bool {
        let filter = &self.settings.filter;
        if !filter.matches_thread(store, store.threads().get(key.thread)) {
            return false;
        }
        let Some(pattern) = &filter.function else {
            return true;
        };
        let matching = &mut self.matching;
        matching.resize(store.entries().len(), None);
        let mut matches = |entry: EntryId| {
            *matching[entry.index()].get_or_insert_with(|| {
                let function = store.entries().get(entry).function();
                function.is_some_and(|function| pattern.is_match(&function.name))
            })
        };
        let mut stack = key.stack;
        while let Some((parent, site)) = store.split(stack) {
            if site.iter().any(|&entry| matches(entry)) {
                return true;
            }
            stack = parent;
        }
        false
    }

    /// The node of a stack below a node.
    fn node(&mut self, store: &Store, below: NodeId, stack: StackId) -> NodeId {
        let mut missing = Vec::new();
        let mut at = stack;
        let mut node = loop {
            if let Some(node) = self.tree.of_stack(below, at) {
                break node;
            }
            let Some((parent, _)) = store.split(at) else {
                break below;
            };
            missing.push(at);
            at = parent;
        };
        for stack in missing.into_iter().rev() {
            if let Some((_, site)) = store.split(stack) {
                for &entry in site.iter() {
                    if self.settings.kernel || !store.entries().get(entry).is_kernel() {
                        node = self.tree.child(node, entry);
                    }
                }
            }
            self.tree.set_stack(below, stack, node);
        }
        node
    }

    fn label(&self, store: &mut Store, key: &Key) -> Option<EntryId> {
        let thread = *store.threads().get(key.thread);
        let entry = match self.settings.group {
            Group::None => return None,
            Group::Cpu => Entry::Cpu(key.cpu),
            Group::Process | Group::Thread if thread.pid.0 == 0 => Entry::Ended(thread.comm),
            Group::Process => Entry::Process(thread.pid),
            Group::Thread => Entry::Thread(thread.pid, thread.tid),
        };
        Some(store.entry(entry))
    }
}

impl Filter {
    /// Whether everything counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.process.is_none() && self.thread.is_none() && self.function.is_none()
    }

    /// Whether samples of a thread count, as far as that tells.
    #[must_use]
    pub fn matches_thread(&self, store: &Store, thread: &Thread) -> bool {
        let text = |comm: Comm, number| format!("{} {number}", clean(&comm.to_text()));
        let process = || {
            let name = store.process_name(thread.pid).unwrap_or(thread.comm);
            text(name, thread.pid.0) + &store.environments().describe(thread.pid)
        };
        let is_match = |pattern: &Option<Regex>, text: &dyn Fn() -> String| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&text()))
        };
        is_match(&self.process, &process)
            && is_match(&self.thread, &|| text(thread.comm, thread.tid.0))
    }
}

fn before(time: Timestamp, length: Duration) -> Timestamp {
    let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    Timestamp(time.0.saturating_sub(length))
}
