//! Draws the model; what is drawn depends on nothing else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget as _};

use super::keys::BINDINGS;
use super::layout::{LEAST, is_enough};
use super::message::ExportFormat;
use super::model::{Model, Overlay, Source};
use super::names;
use super::prompt::Prompt;
use super::screen::{self, Screen, flame, hottest, sandwich, tasks, timeline};
use super::text;
use crate::live::shown::{Group, Window};
use crate::live::tree::Tree;

/// Draws everything.
pub fn draw(model: &Model, buffer: &mut Buffer) {
    let area = buffer.area;
    if !is_enough(area.as_size()) {
        draw_too_small(model, area, buffer);
        return;
    }
    let areas = model.areas();
    draw_header(model, areas.header, buffer);
    draw_tabs(model, areas.tabs, buffer);
    draw_settings(model, areas.settings, buffer);
    screen::draw(model, areas.body, buffer);
    draw_details(model, areas.details, buffer);
    draw_hints(model, areas.hints, buffer);
    match &model.overlay {
        Some(Overlay::Help(line)) => draw_help(model, *line, areas.body, buffer),
        Some(Overlay::Export) => draw_export(model, areas.body, buffer),
        Some(Overlay::Prompt(prompt)) => draw_prompt(model, prompt, areas.details, buffer),
        None => {}
    }
}

fn draw_too_small(model: &Model, area: Rect, buffer: &mut Buffer) {
    let said = format!(
        "{}x{} is too small: somno needs {}x{}",
        area.width, area.height, LEAST.width, LEAST.height
    );
    let lines = text::wrap(&said, area.width.into());
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        let row = Rect::new(area.x, y, area.width, 1);
        text::write(buffer, row, &line, model.theme.plain(), model.theme.symbols);
    }
}

fn draw_header(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let header = &model.health.header;
    let [sampling, paused, ended] = theme.symbols.states;
    let state = match (&model.source, model.is_paused) {
        (_, true) => format!("{paused} paused"),
        (Source::Live, _) => format!("{sampling} live"),
        (Source::Ended(_), _) => format!("{ended} ended"),
        (Source::File(_), _) => format!("{ended} file"),
    };
    let seconds = model.progress.duration.as_secs();
    let samples = text::grouped(model.progress.samples);
    let right = format!(" {state} {} {samples} ", text::clock(seconds));
    let is_narrow = model.areas().tabs.is_empty();
    let left = if is_narrow {
        format!(
            " {} {} {}",
            model.screen.digit(),
            model.screen.title(),
            header.target
        )
    } else {
        let events = header.event_names();
        format!(" somno {} {events} {}", header.target, header.rate_text())
    };
    text::write(buffer, area, "", theme.bar(), theme.symbols);
    let width = u16::try_from(text::width(&right))
        .unwrap_or(area.width)
        .min(area.width);
    let left_area = Rect {
        width: area.width - width,
        ..area
    };
    text::write(
        buffer,
        left_area,
        &left,
        theme.bar().patch(theme.strong()),
        theme.symbols,
    );
    let right_area = Rect {
        x: area.right() - width,
        width,
        ..area
    };
    text::write(buffer, right_area, &right, theme.bar(), theme.symbols);
}

/// The screens with their first columns and their titles.
fn tabs(model: &Model) -> Vec<(u16, Screen, String)> {
    let mut x = 0;
    let tab = |screen: Screen| {
        let title = format!(" {} {} ", screen.digit(), screen.title());
        let at = x;
        x += u16::try_from(text::width(&title)).unwrap_or(u16::MAX);
        (at, screen, title)
    };
    // where not all titles fit, digits do
    let all: Vec<_> = model.screens().map(tab).collect();
    if x <= model.size.width {
        return all;
    }
    let mut x = 0;
    let short = |(_, screen, title): (u16, Screen, String)| {
        let title = if screen == model.screen {
            title
        } else {
            format!(" {} ", screen.digit())
        };
        let at = x;
        x += u16::try_from(text::width(&title)).unwrap_or(u16::MAX);
        (at, screen, title)
    };
    all.into_iter().map(short).collect()
}

/// The screen whose title is at a column.
#[must_use]
pub fn tab_at(model: &Model, x: u16) -> Option<Screen> {
    let tabs = tabs(model).into_iter().rev();
    let mut tabs = tabs.filter(|(from, ..)| *from <= x);
    tabs.next().map(|(_, screen, _)| screen)
}

fn draw_tabs(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    for (x, screen, title) in tabs(model) {
        let style = if screen == model.screen {
            theme.selected()
        } else {
            theme.plain()
        };
        let room = usize::from(area.width.saturating_sub(x));
        buffer.set_stringn(area.x + x, area.y, title, room, style);
    }
}

/// A window until now, and what there is of it where samples came faster than they can
/// be kept.
fn recent(model: &Model, length: std::time::Duration) -> String {
    let now = model.shown.now().0;
    let since = model.store.history().since();
    let kept = since.map_or(u64::MAX, |since| {
        now.saturating_sub(since.0) / 1_000_000_000
    });
    if kept < length.as_secs() {
        format!("last {} s (of which {kept} s are kept)", length.as_secs())
    } else {
        format!("last {} s", length.as_secs())
    }
}

/// What is shown of what was sampled, in words.
fn settings(model: &Model) -> Vec<String> {
    let settings = model.shown.settings();
    let began = model.store.began().0;
    let mut words = vec![match settings.window {
        Window::Recent(length) => recent(model, length),
        Window::All => "all samples".into(),
        Window::Decaying => "decaying (half in 10 s)".into(),
        Window::Between(from, to) => {
            let second = |time: u64| time.saturating_sub(began) as f64 / 1e9;
            format!("{:.2} s to {:.2} s", second(from.0), second(to.0))
        }
    }];
    words.push(match settings.group {
        Group::Process => "by process".into(),
        Group::Thread => "by thread".into(),
        Group::Cpu => "by CPU".into(),
        Group::None => "ungrouped".into(),
    });
    if !settings.kernel {
        words.push("no kernel".into());
    }
    let filter = &settings.filter;
    for (what, pattern) in [
        ("process", &filter.process),
        ("thread", &filter.thread),
        ("function", &filter.function),
    ] {
        words.extend(
            pattern
                .as_ref()
                .map(|it| format!("only {what} {}", it.as_str().trim())),
        );
    }
    if let Some(search) = &model.search {
        let share = text::percent(search.weight, model.total());
        words.push(format!("/{} {share}", search.text()));
    }
    words
}

fn draw_settings(model: &Model, area: Rect, buffer: &mut Buffer) {
    let separator = format!(" {} ", model.theme.symbols.separator);
    let line = format!(" {}", settings(model).join(&separator));
    text::write(buffer, area, &line, model.theme.dim(), model.theme.symbols);
}

/// What is said, or known of what the mouse is at, or of what is selected.
fn details(model: &Model) -> String {
    if let Some(notice) = &model.notice {
        return notice.text.clone();
    }
    let hovered = model.hover.filter(|_| model.screen == Screen::Flame);
    if let Some(tile) = hovered.and_then(|(x, y)| flame::tile_at(model, x, y)) {
        return describe_tile(model, &tile);
    }
    let selected = match model.screen {
        Screen::Flame | Screen::Tree => Some(names::describe_selected(model)),
        Screen::Hottest => hottest::describe(model),
        Screen::Sandwich => sandwich::describe(model),
        Screen::Tasks => tasks::describe(model),
        Screen::Timeline => Some(timeline::describe(model)),
        Screen::Health | Screen::Output => None,
    };
    let is_short = model.areas().settings.is_empty();
    match (selected, &model.search) {
        // elsewhere it has a line of its own
        (Some(line), Some(search)) if is_short => {
            let share = text::percent(search.weight, model.total());
            format!("/{} {share}; {line}", search.text())
        }
        (selected, _) => selected.unwrap_or_default(),
    }
}

fn describe_tile(model: &Model, tile: &flame::Tile) -> String {
    let tree = model.tree();
    let entry = tree.entry(tile.node);
    if tile.narrow > 0 {
        let name = names::name(model, entry);
        return format!(
            "{} functions called by {name}, too narrow for a box each; zoom in",
            tile.narrow
        );
    }
    if tile.node == Tree::root() {
        return names::describe_selected(model);
    }
    let own = Some(tree.own(tile.node));
    names::describe(model, entry, tree.total(tile.node), own)
}

fn draw_details(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let style = if model.notice.is_some() {
        theme.warning()
    } else {
        theme.bar()
    };
    let line = format!(" {}", details(model));
    text::write(buffer, area, &line, style, theme.symbols);
}

/// The most important keys of each screen, as many as there is room for.
fn draw_hints(model: &Model, area: Rect, buffer: &mut Buffer) {
    let hints: &[&str] = match model.screen {
        Screen::Flame => &["Enter zoom", "Bksp back", "i icicle"],
        Screen::Tree => &["Right Left fold", "* hottest", "Enter zoom", "Bksp back"],
        Screen::Hottest => &["Enter callers and callees", "o O order"],
        Screen::Sandwich => &["Right Left fold", "Enter look at", "Bksp back"],
        Screen::Tasks => &["Right Left threads", "Enter only this", "o O order"],
        Screen::Timeline => &["Enter begin and end a range", "Bksp all"],
        Screen::Health | Screen::Output => &["Up Down scroll"],
    };
    let common = [
        "/ search",
        "F4 filter",
        "Space pause",
        "w window",
        "g group",
        "e export",
    ];
    let mut line = String::from(" ? help  q quit");
    for hint in hints.iter().chain(&common) {
        if text::width(&line) + 2 + hint.len() >= area.width.into() {
            break;
        }
        line.push_str("  ");
        line.push_str(hint);
    }
    text::write(buffer, area, &line, model.theme.dim(), model.theme.symbols);
}

fn draw_prompt(model: &Model, prompt: &Prompt, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let question = prompt.question();
    let error = prompt.error.as_ref().map(|error| format!("  ({error})"));
    let shown = format!(" {question}{}_{}", prompt.text, error.unwrap_or_default());
    text::write(buffer, area, &shown, theme.selected(), theme.symbols);
}

fn draw_help(model: &Model, first: usize, area: Rect, buffer: &mut Buffer) {
    let keys = 24.min(usize::from(area.width) / 2 - 4);
    let mut lines = Vec::new();
    for binding in BINDINGS {
        let room = usize::from(area.width).saturating_sub(keys + 6).max(10);
        for (at, line) in text::wrap(binding.meaning, room).into_iter().enumerate() {
            let key = if at == 0 { binding.keys } else { "" };
            lines.push(format!(
                "{:keys$}  {line}",
                text::fit(key, keys, model.theme.symbols)
            ));
        }
    }
    lines.push(String::new());
    lines.push(legend());
    draw_box(model, "keys", &lines, first, area, buffer);
}

/// What letters before functions mean.
fn legend() -> String {
    let kinds = crate::live::entries::Kind::ALL;
    let words = kinds.map(|kind| format!("{} {}", kind.letter(), kind.word()));
    format!("letters: {}", words.join(", "))
}

fn draw_export(model: &Model, area: Rect, buffer: &mut Buffer) {
    let lines = [
        ExportFormat::Svg,
        ExportFormat::Folded,
        ExportFormat::Recording,
    ]
    .map(|format| {
        match format {
            ExportFormat::Svg => "s  flame graph (svg)",
            ExportFormat::Folded => "f  folded stacks",
            ExportFormat::Recording => "r  recording (somno)",
        }
        .to_owned()
    });
    draw_box(model, "export what is shown", &lines, 0, area, buffer);
}

/// A box with lines in the middle of an area.
fn draw_box(
    model: &Model,
    title: &str,
    lines: &[String],
    first: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let theme = &model.theme;
    let widest = lines
        .iter()
        .map(|line| text::width(line))
        .max()
        .unwrap_or_default();
    let width = u16::try_from(widest.max(title.len()) + 4)
        .unwrap_or(u16::MAX)
        .min(area.width);
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let window = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(window, buffer);
    buffer.set_style(window, theme.plain());
    let shown = usize::from(height.saturating_sub(2));
    let first = first.min(lines.len().saturating_sub(shown));
    let title = format!(" {title}");
    let more = if lines.len() > shown {
        "  (Up and Down for more)"
    } else {
        ""
    };
    text::write(
        buffer,
        Rect {
            height: 1,
            ..window
        },
        &format!("{title}{more}"),
        theme.bar(),
        theme.symbols,
    );
    for (y, line) in (window.y + 1..window.bottom() - 1).zip(&lines[first..]) {
        let row = Rect::new(window.x + 2, y, window.width.saturating_sub(3), 1);
        text::write(buffer, row, line, theme.plain(), theme.symbols);
    }
    let last = Rect::new(window.x, window.bottom() - 1, window.width, 1);
    text::write(buffer, last, " Esc closes", theme.bar(), theme.symbols);
}
