//! What the interface knows: everything that is drawn follows from it.

use std::time::Duration;

use ratatui::layout::Size;

use super::cursor::Cursor;
use super::layout::Areas;
use super::message::Health;
use super::prompt::Prompt;
use super::screen::{Screen, hottest, output, sandwich, tasks, timeline};
use super::search::Search;
use super::theme::Theme;
use crate::live::entries::EntryId;
use crate::live::interned::Id as _;
use crate::live::shown::{Settings, Shown, Window};
use crate::live::store::Store;
use crate::live::tree::{NodeId, Tree};
use crate::time::Timestamp;

/// How long something that is said stays, in nanoseconds.
const SAID_FOR: u64 = 8_000_000_000;

/// The state of the interface.
#[derive(Debug)]
pub struct Model {
    /// What was sampled.
    pub store: Store,
    /// What of it is shown.
    pub shown: Shown,
    /// How sampling goes.
    pub health: Health,
    /// Where samples come from.
    pub source: Source,
    /// Whether the end of the recording is missing, which would say what was lost.
    pub is_cut: bool,
    /// Samples that came so far.
    pub came: u64,
    /// How far sampling had come when the picture was made.
    pub progress: Progress,
    /// Samples that could not be shown.
    pub unshown: u64,
    /// How everything looks.
    pub theme: Theme,
    /// The size of the terminal.
    pub size: Size,
    /// Now.
    pub now: Timestamp,
    /// Whether the picture stays.
    pub is_paused: bool,
    /// Which screen is shown.
    pub screen: Screen,
    /// The one before it.
    pub before: Screen,
    /// The selected function in the tree, and what is zoomed and unfolded.
    pub cursor: Cursor,
    /// Whether flames hang down.
    pub is_icicle: bool,
    /// What comes first in the flame graph.
    pub flame_order: Order,
    /// What comes first in the tree.
    pub tree_order: Order,
    /// The level that is lowest in the flame graph.
    pub flame_level: usize,
    /// The first line of the tree.
    pub tree_line: usize,
    /// The list of functions.
    pub hottest: hottest::State,
    /// Callers and callees.
    pub sandwich: sandwich::State,
    /// Processes and threads.
    pub tasks: tasks::State,
    /// The heat map.
    pub timeline: timeline::State,
    /// The first line of what is said of health.
    pub health_line: usize,
    /// What the command wrote.
    pub output: Option<output::State>,
    /// Where the mouse is.
    pub hover: Option<(u16, u16)>,
    /// What is open above the screen.
    pub overlay: Option<Overlay>,
    /// What is searched.
    pub search: Option<Search>,
    /// What is said at the bottom.
    pub notice: Option<Notice>,
    /// Whether the lists are older than what they are made from.
    pub is_stale: bool,
    pub(super) next_rebuild: Timestamp,
    pub(super) size_at_rebuild: usize,
}

/// Where samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are being taken.
    Live,
    /// They were, until this.
    Ended(String),
    /// From a file of this name.
    File(String),
}

/// How far sampling has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How long it went on.
    pub duration: Duration,
    /// The samples that came.
    pub samples: u64,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By name: stays where it is.
    Name,
    /// The heaviest.
    Weight,
}

/// Something above the screen.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// All keys, from this line on.
    Help(usize),
    /// What to export.
    Export,
    /// A line of text is asked for.
    Prompt(Prompt),
}

/// Something that is said for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Until when.
    pub until: Timestamp,
}

impl Model {
    /// Makes the interface of what was sampled so far.
    #[must_use]
    pub fn new(mut store: Store, health: Health, source: Source, theme: Theme) -> Self {
        let now = store.latest().unwrap_or(store.began());
        let settings = Settings {
            window: Window::All,
            ..Settings::default()
        };
        let shown = Shown::new(&mut store, settings, now);
        let mut model = Self {
            size_at_rebuild: shown.tree().len(),
            is_cut: false,
            came: store.history().len() as u64,
            progress: Progress::default(),
            store,
            shown,
            health,
            source,
            unshown: 0,
            theme,
            size: Size::new(80, 24),
            now,
            is_paused: false,
            screen: Screen::Flame,
            before: Screen::Flame,
            cursor: Cursor::default(),
            is_icicle: false,
            flame_order: Order::Name,
            tree_order: Order::Weight,
            flame_level: 0,
            tree_line: 0,
            hottest: hottest::State::default(),
            sandwich: sandwich::State::default(),
            tasks: tasks::State::default(),
            timeline: timeline::State::default(),
            health_line: 0,
            output: None,
            hover: None,
            overlay: None,
            search: None,
            notice: None,
            is_stale: true,
            next_rebuild: now,
        };
        model.note_progress();
        model
    }

    /// The tree that is shown.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        self.shown.tree()
    }

    /// All of the weights that are shown, as samples or nanoseconds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.tree().total(Tree::root())
    }

    /// Where everything is on the terminal.
    #[must_use]
    pub fn areas(&self) -> Areas {
        Areas::of(self.size)
    }

    /// The screens that there are.
    pub fn screens(&self) -> impl Iterator<Item = Screen> + '_ {
        let has_output = self.output.is_some();
        Screen::ALL
            .into_iter()
            .filter(move |screen| *screen != Screen::Output || has_output)
    }

    /// The function that is selected on this screen.
    #[must_use]
    pub fn selected_function(&self) -> Option<EntryId> {
        let entry = match self.screen {
            Screen::Flame | Screen::Tree => Some(self.tree().entry(self.cursor.selected)),
            Screen::Hottest => self.hottest.selected,
            Screen::Sandwich => self.sandwich.selected(),
            _ => None,
        };
        entry.filter(|&entry| self.store.entries().get(entry).function().is_some())
    }

    /// Says something at the bottom.
    pub fn say(&mut self, text: impl Into<String>) {
        let until = Timestamp(self.now.0.saturating_add(SAID_FOR));
        let text = text.into();
        self.notice = Some(Notice { text, until });
    }

    /// Takes note of how far sampling has come.
    pub(super) fn note_progress(&mut self) {
        self.progress = Progress {
            duration: self.health.totals.duration,
            samples: self.came,
        };
    }

    /// Asks for something else to be shown.
    pub fn set(&mut self, settings: Settings) {
        if settings.window != self.shown.settings().window {
            // its samples are looked up now, in a pause too
            self.note_progress();
        }
        let paths = self.cursor.paths(self.shown.tree());
        self.shown.set(&mut self.store, settings);
        self.cursor.restore(&paths, self.shown.tree_mut());
        self.size_at_rebuild = self.shown.tree().len();
        self.is_stale = true;
    }

    /// Puts new names in place, and makes room, if that is due.
    pub(super) fn rebuild_if_due(&mut self) {
        let is_overgrown = self.tree().len() > 2 * self.size_at_rebuild + 65_536;
        let is_wanted = self.store.wants_rebuild() || is_overgrown;
        if !self.store.is_overfull() && (!is_wanted || self.now < self.next_rebuild) {
            return;
        }
        let held = self.held();
        let paths = self.cursor.paths(self.shown.tree());
        let sums: &[f64] =
            if self.is_paused || matches!(self.shown.settings().window, Window::Between(..)) {
                self.shown.own_sums()
            } else {
                &[]
            };
        let rebuilt = self.store.rebuild(sums, &held);
        self.shown.renumber(&rebuilt.keys);
        self.shown.rebuild(&mut self.store);
        let paths = paths.map(|path| rebuilt.path(path));
        self.cursor.restore(&paths, self.shown.tree_mut());
        self.hottest.renumber(&rebuilt);
        self.sandwich.renumber(&rebuilt);
        if let Some(search) = &mut self.search {
            search.forget();
        }
        // So much takes some tens of milliseconds for a hundred thousand nodes.
        let size = self.shown.tree().len() + self.store.stack_count();
        self.size_at_rebuild = self.shown.tree().len();
        let pause = 250 + size as u64 / 20;
        self.next_rebuild = Timestamp(self.now.0 + pause * 1_000_000);
        self.is_stale = true;
    }

    /// Entries that something is selected by.
    fn held(&self) -> Vec<EntryId> {
        let mut held = Vec::new();
        self.cursor
            .paths(self.tree())
            .visit(|path| held.extend(path));
        held.extend(self.hottest.selected);
        self.sandwich.hold(&mut held);
        held.sort_unstable_by_key(|entry| entry.index());
        held.dedup();
        held
    }

    /// Whether a node's entry matches the search.
    #[must_use]
    pub fn is_found(&self, node: NodeId) -> bool {
        self.is_entry_found(self.tree().entry(node))
    }

    /// Whether an entry matches the search.
    #[must_use]
    pub fn is_entry_found(&self, entry: EntryId) -> bool {
        let search = self.search.as_ref();
        search.is_some_and(|search| search.matches(entry))
    }
}
