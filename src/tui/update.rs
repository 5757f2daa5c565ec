//! What happens to the model when something happened; nothing else happens here.

use std::time::Duration;

use regex::Regex;

use super::cursor::Cursor;
use super::keys::Mode;
use super::layout::is_enough;
use super::message::{Direction, ExportFormat, Message, Mouse, News, Turn};
use super::model::{Model, Order, Overlay, Source};
use super::prompt::{FilterBy, Prompt, Purpose};
use super::screen::{self, Screen, hottest, sandwich, tasks, tree};
use super::search::{Search, compile};
use super::text::quoted;
use crate::live::shown::{Filter, Group, Settings, Shown, Window};
use crate::live::store::{Bounds, Store};
use crate::time::Timestamp;

/// Something that only whoever runs the interface can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// End.
    Quit,
    /// Stop the process until it is continued.
    Suspend,
    /// Write what is shown.
    Export(ExportFormat),
}

impl Model {
    /// What is asked for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match &self.overlay {
            Some(Overlay::Prompt(_)) => Mode::Prompt,
            Some(Overlay::Export) => Mode::Export,
            Some(Overlay::Help(_)) | None => Mode::Normal,
        }
    }
}

/// Takes a message; tells what is left to do.
pub fn update(model: &mut Model, message: Message) -> Effect {
    let effect = take(model, message);
    settle(model);
    effect
}

/// Makes what is shown agree with what is known.
fn settle(model: &mut Model) {
    model.rebuild_if_due();
    if model.is_stale {
        if let Some(search) = &mut model.search {
            search.refresh(model.store.entries(), model.shown.tree());
        }
        screen::refresh(model);
        model.is_stale = false;
    }
    if is_enough(model.size) {
        screen::settle(model);
    }
    if !model.is_paused {
        model.note_progress();
    }
}

/// Whether somebody pressed something: it did not come by itself, nor is it a mouse that moves.
fn is_pressed(message: &Message) -> bool {
    match message {
        Message::News(_) | Message::Tick(_) | Message::Resize(..) | Message::Say(_) => false,
        Message::Mouse(mouse, ..) => !matches!(mouse, Mouse::Hover | Mouse::Drag | Mouse::Release),
        _ => true,
    }
}

fn take(model: &mut Model, message: Message) -> Effect {
    let is_by_itself = matches!(
        message,
        Message::News(_) | Message::Tick(_) | Message::Mouse(..)
    );
    if !is_by_itself {
        // whoever uses keys does not point
        model.hover = None;
    }
    if is_pressed(&message) {
        // what was said was of what was there before
        model.notice = None;
    }
    match message {
        Message::Quit => return Effect::Quit,
        Message::Suspend => return Effect::Suspend,
        Message::ExportAs(format) => {
            model.overlay = None;
            return Effect::Export(format);
        }
        Message::News(news) => take_news(model, *news),
        Message::Tick(now) => tick(model, now),
        Message::Resize(width, height) => model.size = (width, height).into(),
        Message::Mouse(mouse, x, y) => take_mouse(model, mouse, x, y),
        Message::Move(direction) => take_move(model, direction),
        Message::Enter => enter(model),
        Message::Back => back(model),
        Message::Escape => escape(model),
        Message::Type(_) | Message::Erase | Message::EraseAll | Message::Alternate => {
            edit(model, &message);
        }
        Message::Show(screen) => show(model, screen),
        Message::Turn(turn) => turn_screen(model, turn),
        Message::Help => {
            model.overlay = match model.overlay {
                Some(Overlay::Help(_)) => None,
                _ => Some(Overlay::Help(0)),
            }
        }
        Message::Search => ask(model, Purpose::Search),
        Message::Filter => ask(model, Purpose::Filter(FilterBy::Function)),
        Message::Export => model.overlay = Some(Overlay::Export),
        Message::Say(text) => model.say(text),
        other => take_setting(model, &other),
    }
    Effect::None
}

/// Takes what changes what is shown.
fn take_setting(model: &mut Model, message: &Message) {
    let mut settings = model.shown.settings().clone();
    match message {
        Message::Pause => pause(model),
        Message::Reset => reset(model),
        Message::Window => {
            settings.window = next_window(settings.window);
            model.set(settings);
        }
        Message::Group => {
            settings.group = next_group(settings.group);
            set_group(model, settings);
        }
        Message::Kernel => {
            settings.kernel = !settings.kernel;
            let state = if settings.kernel { "shown" } else { "hidden" };
            model.set(settings);
            model.say(format!("kernel functions are {state}"));
        }
        Message::Order => order(model),
        Message::Reverse => match model.screen {
            Screen::Hottest => hottest::reverse(model),
            Screen::Tasks => tasks::reverse(model),
            _ => {}
        },
        Message::Icicle => model.is_icicle = !model.is_icicle,
        Message::Unfold if model.screen == Screen::Tree => tree::unfold_hottest(model),
        Message::Match(turn) => find(model, *turn),
        Message::Annotate => annotate(model),
        Message::Theme => model.theme.next(),
        _ => {}
    }
}

fn take_news(model: &mut Model, news: News) {
    for batch in news.batches {
        model.came += batch.samples.len() as u64;
        let applied = model.store.apply(batch);
        model.shown.take(&mut model.store, &applied);
    }
    if let Some(health) = news.health {
        model.health = health;
    }
    if !news.output.is_empty() {
        let output = model.output.get_or_insert_default();
        output.write(&news.output);
    }
    if let Some(why) = news.ended {
        model.say(format!("{why}: what was sampled stays here; q quits"));
        model.source = Source::Ended(why);
    }
    for line in news.said {
        model.say(line);
    }
    model.unshown += news.unshown;
    model.is_stale |= !model.is_paused;
}

fn tick(model: &mut Model, now: Timestamp) {
    model.now = now;
    if model.source == Source::Live {
        model.shown.advance(&mut model.store, now);
    }
    if model
        .notice
        .as_ref()
        .is_some_and(|notice| notice.until <= now)
    {
        model.notice = None;
    }
}

fn take_mouse(model: &mut Model, mouse: Mouse, x: u16, y: u16) {
    let areas = model.areas();
    if mouse == Mouse::Hover {
        model.hover = Some((x, y));
        return;
    }
    if let Some(Overlay::Help(line)) = &mut model.overlay {
        match mouse {
            Mouse::WheelUp => *line = line.saturating_sub(1),
            Mouse::WheelDown => *line += 1,
            Mouse::Press => model.overlay = None,
            _ => {}
        }
        return;
    }
    let is_pressed = mouse == Mouse::Press;
    if mouse == Mouse::PressRight {
        back(model);
    } else if areas.body.contains((x, y).into()) && is_enough(model.size) {
        screen::mouse(model, mouse, x, y);
    } else if is_pressed
        && areas.tabs.contains((x, y).into())
        && let Some(screen) = super::view::tab_at(model, x)
    {
        show(model, screen);
    }
}

fn take_move(model: &mut Model, direction: Direction) {
    if let Some(Overlay::Help(line)) = &mut model.overlay {
        *line = match direction {
            Direction::Up => line.saturating_sub(1),
            Direction::Down => *line + 1,
            Direction::PageUp => line.saturating_sub(5),
            Direction::PageDown => *line + 5,
            Direction::Home | Direction::Left => 0,
            Direction::End | Direction::Right => *line,
        };
        return;
    }
    if is_enough(model.size) {
        screen::step(model, direction);
    }
}

fn enter(model: &mut Model) {
    match model.overlay.take() {
        Some(Overlay::Prompt(prompt)) => answer(model, prompt),
        Some(_) => {}
        None => screen::enter(model),
    }
}

fn back(model: &mut Model) {
    if model.overlay.take().is_none() && !screen::back(model) && model.screen != model.before {
        let before = model.before;
        show(model, before);
    }
}

/// Closes what is open, else ends a search, then a zoom, then what narrows the samples.
fn escape(model: &mut Model) {
    let mut settings = model.shown.settings().clone();
    if model.overlay.take().is_some() || model.search.take().is_some() {
        return;
    }
    if model.screen != Screen::Timeline && model.cursor.zoom_back() {
        model.cursor.back.clear();
        model.cursor.zoom = crate::live::tree::Tree::root();
        screen::flame::show_zoom(model);
    } else if !settings.filter.is_empty() {
        settings.filter = Filter::default();
        model.set(settings);
        model.say("no filter");
    } else if matches!(settings.window, Window::Between(..)) {
        settings.window = Window::All;
        model.set(settings);
    }
}

fn show(model: &mut Model, screen: Screen) {
    if screen == Screen::Output && model.output.is_none() {
        model.say("there is no command: its output would be here");
        return;
    }
    let selected = model.selected_function();
    if screen != model.screen {
        model.before = model.screen;
    }
    if let (Screen::Sandwich, Some(entry)) = (screen, selected)
        && model.screen != Screen::Sandwich
    {
        sandwich::look_at(model, entry);
    }
    model.screen = screen;
    model.overlay = None;
    model.is_stale = true;
    let is_folded = model.cursor.unfolded.len() <= 1;
    if screen == Screen::Tree && is_folded {
        tree::unfold_hottest(model);
    }
}

fn turn_screen(model: &mut Model, turn: Turn) {
    let screens: Vec<_> = model.screens().collect();
    let at = screens.iter().position(|&screen| screen == model.screen);
    if let Some(next) = super::list::turned(at, screens.len(), turn) {
        show(model, screens[next]);
    }
}

fn ask(model: &mut Model, purpose: Purpose) {
    let text = match purpose {
        Purpose::Search => model.search.as_ref().map(Search::text).unwrap_or_default(),
        Purpose::Filter(_) => "",
    };
    model.overlay = Some(Overlay::Prompt(Prompt::new(purpose, text)));
}

/// Changes what is typed; a search is under way while it is.
fn edit(model: &mut Model, message: &Message) {
    let Some(Overlay::Prompt(prompt)) = &mut model.overlay else {
        return;
    };
    match message {
        Message::Type(letter) => prompt.push(*letter),
        Message::Erase => prompt.pop(),
        Message::EraseAll => prompt.clear(),
        _ => {
            if let Purpose::Filter(by) = prompt.purpose {
                prompt.purpose = Purpose::Filter(by.next());
            }
        }
    }
    if prompt.purpose == Purpose::Search {
        let text = prompt.text.clone();
        search(model, &text);
    }
}

/// Searches for a text; what is wrong with it stands beside it.
fn search(model: &mut Model, text: &str) {
    let result = Search::new(text);
    if let (Some(Overlay::Prompt(prompt)), Err(error)) = (&mut model.overlay, &result) {
        prompt.error = Some(error.clone());
    }
    model.search = result.ok().filter(|_| !text.is_empty());
    model.is_stale = true;
}

/// Takes an answer; one that is wrong stays, with what is wrong with it.
fn answer(model: &mut Model, prompt: Prompt) {
    let pattern = match compile(&prompt.text) {
        Ok(pattern) => Some(pattern).filter(|_| !prompt.text.is_empty()),
        Err(error) => {
            let error = Some(error);
            model.overlay = Some(Overlay::Prompt(Prompt { error, ..prompt }));
            return;
        }
    };
    match prompt.purpose {
        Purpose::Search => search(model, &prompt.text),
        Purpose::Filter(by) => filter(model, by, pattern),
    }
}

fn filter(model: &mut Model, by: FilterBy, pattern: Option<Regex>) {
    let mut settings = model.shown.settings().clone();
    let filter = &mut settings.filter;
    match by {
        FilterBy::Function => filter.function = pattern,
        FilterBy::Process => filter.process = pattern,
        FilterBy::Thread => filter.thread = pattern,
    }
    model.set(settings);
}

fn pause(model: &mut Model) {
    model.is_paused = !model.is_paused;
    if model.is_paused {
        model.shown.freeze(&model.store);
    } else {
        let paths = model.cursor.paths(model.shown.tree());
        // the clock goes on, what was sampled does not
        let now = match model.source {
            Source::Live => model.now,
            _ => model.shown.now(),
        };
        model.shown.thaw(&mut model.store, now);
        model.cursor.restore(&paths, model.shown.tree_mut());
        model.is_stale = true;
    }
}

/// Forgets what was sampled; of a file that would leave nothing.
fn reset(model: &mut Model) {
    if let Source::File(_) = model.source {
        model.say("this is a recording: there is nothing to begin anew");
        return;
    }
    let settings = model.shown.settings().clone();
    let window = match settings.window {
        Window::Between(..) => Window::All,
        window => window,
    };
    model.store.forget_samples(model.now);
    let settings = Settings { window, ..settings };
    let paths = model.cursor.paths(model.shown.tree());
    model.shown = Shown::new(&mut model.store, settings, model.now);
    model.cursor.restore(&paths, model.shown.tree_mut());
    model.timeline = screen::timeline::State::default();
    model.is_paused = false;
    model.is_stale = true;
    model.say("begun anew; totals on Health go on");
}

fn order(model: &mut Model) {
    match model.screen {
        Screen::Hottest => hottest::next_order(model),
        Screen::Tasks => tasks::next_order(model),
        _ => {
            let order = match model.screen {
                Screen::Tree => &mut model.tree_order,
                _ => &mut model.flame_order,
            };
            *order = match order {
                Order::Name => Order::Weight,
                Order::Weight => Order::Name,
            };
            let by = match order {
                Order::Name => "by name",
                Order::Weight => "heaviest first",
            };
            model.say(format!("ordered {by}"));
        }
    }
}

fn next_window(window: Window) -> Window {
    let short = Duration::from_secs(5);
    let long = Duration::from_secs(30);
    match window {
        Window::Recent(length) if length < long => Window::Recent(long),
        Window::Recent(_) | Window::Between(..) => Window::All,
        Window::All => Window::Decaying,
        Window::Decaying => Window::Recent(short),
    }
}

fn next_group(group: Group) -> Group {
    match group {
        Group::Process => Group::Thread,
        Group::Thread => Group::Cpu,
        Group::Cpu => Group::None,
        Group::None => Group::Process,
    }
}

/// Groups otherwise; what was selected is gone to below the heaviest group that has it.
fn set_group(model: &mut Model, settings: Settings) {
    let was_grouped = model.shown.settings().group != Group::None;
    let strip = |path: Vec<_>| path[usize::from(was_grouped && !path.is_empty())..].to_vec();
    let tree = model.shown.tree();
    let selected = strip(tree.path(model.cursor.selected));
    let zoom = strip(tree.path(model.cursor.zoom));
    let is_grouped = settings.group != Group::None;
    model.shown.set(&mut model.store, settings);
    let find = |path: &[_]| screen::tree::find_below_groups(model.shown.tree(), path, is_grouped);
    let (selected, zoom) = (find(&selected), find(&zoom));
    model.cursor = Cursor {
        selected,
        zoom,
        ..Cursor::default()
    };
    model.is_stale = true;
    tree::unfold_to(model, selected);
}

fn find(model: &mut Model, turn: Turn) {
    if model.search.is_none() {
        model.say("nothing is searched; / searches");
        return;
    }
    screen::next_match(model, turn);
}

/// Tells the command that shows the lines and instructions of the selected function.
fn annotate(model: &mut Model) {
    let Some(entry) = model.selected_function() else {
        model.say("select a function to annotate it");
        return;
    };
    let name = super::names::name(model, entry);
    let pattern = quoted(&format!("^{}$", regex::escape(&name)));
    let said = match &model.source {
        Source::File(file) => format!("in a shell: somno annotate {} {pattern}", quoted(file)),
        Source::Live | Source::Ended(_) => {
            format!("export a recording (e, r); then: somno annotate FILE {pattern}")
        }
    };
    model.say(said);
}

/// An empty store for what is to come.
#[must_use]
pub fn empty_store(began: Timestamp) -> Store {
    Store::new(began, Bounds::LIVE, 1_000_000_000)
}
