//! Every screen in two sizes, for profiles of all kinds. `UPDATE_SNAPSHOTS=1 cargo test`
//! writes them anew; what changed is to be looked at then.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::{drawn, feed, model, tick};
use crate::live::fake::Fake;
use crate::live::store::Bounds;
use crate::tui::message::{Direction, Message, News};
use crate::tui::model::Model;
use crate::tui::screen::Screen;
use crate::tui::theme::{ASCII, Palette};
use crate::tui::update::update;

const SIZES: [(u16, u16); 2] = [(80, 24), (40, 10)];

fn one_frame(fake: &mut Fake) {
    fake.sample(10, ("app", 12, 12), &["main"]);
}

fn deep(fake: &mut Fake) {
    let names: Vec<_> = (0..300).map(|n| format!("level_{n:03}")).collect();
    let stack: Vec<_> = names.iter().map(String::as_str).collect();
    for millisecond in 0..20 {
        let depth = 300 - usize::try_from(millisecond).expect("it is small") * 3;
        fake.sample(millisecond * 90, ("app", 12, 12), &stack[..depth]);
    }
}

fn wide(fake: &mut Fake) {
    for n in 0..600 {
        let kinds = ["", "_[k]", "_[j]", "_[i]"];
        let name = format!("leaf_{:03}{}", n % 300 * (n % 7), kinds[n % 4]);
        let process = u32::try_from(n % 5).expect("it is small") + 1;
        let comm = ["make", "cc1plus", "sh", "as", "ld"][n % 5];
        let middle = ["lib:qsort", "work", "parse"][n % 3];
        let thread = process * 100 + u32::try_from(n % 2).expect("it is small");
        let time = u64::try_from(n).expect("it is small") * 4;
        fake.sample(
            time,
            (comm, process * 100, thread),
            &["_start", "main", middle, &name],
        );
    }
    fake.sample(2401, ("ld", 500, 500), &["[no CFI]", "lost_leaf"]);
}

fn unicode(fake: &mut Fake) {
    for (n, name) in [
        "наблюдать",
        "日本語の関数",
        "naïve_été",
        "e\u{301}clair",
        "🦀::run",
        "עברית",
    ]
    .into_iter()
    .enumerate()
    {
        for repeat in 0..=n as u64 {
            let time = n as u64 * 100 + repeat;
            fake.sample(time, ("日本", 7, 7), &["main", "lib:関数を呼ぶ", name]);
        }
    }
}

fn profile(name: &str) -> Model {
    let mut model = model(Bounds::LIVE);
    let mut fake = Fake::new();
    match name {
        "one-frame" => one_frame(&mut fake),
        "deep" => deep(&mut fake),
        "wide" => wide(&mut fake),
        "unicode" => unicode(&mut fake),
        _ => return model,
    }
    fake.name_all();
    feed(&mut model, fake.take());
    tick(&mut model, 2500);
    model
}

/// Compares with what is committed, or writes it anew where that is asked for.
fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/tui/snapshots")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).expect("the source directory is writable");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let lines = expected.lines().zip(text.lines()).enumerate();
    for (at, (expected, line)) in lines {
        assert_eq!(line, expected, "{name}.txt:{}\n{text}", at + 1);
    }
    assert_eq!(
        text.lines().count(),
        expected.lines().count(),
        "{name}.txt\n{text}"
    );
}

fn page(text: &mut String, title: &str, model: &Model) {
    writeln!(text, "==== {title}").expect("a string takes everything");
    for line in drawn(model) {
        writeln!(text, "{line}").expect("a string takes everything");
    }
}

/// Check every screen on profiles that are empty, of one frame, deep, wide, and of names
/// in other scripts.
#[test]
fn screens() {
    for name in ["empty", "one-frame", "deep", "wide", "unicode"] {
        for (width, height) in SIZES {
            let mut model = profile(name);
            update(&mut model, Message::Resize(width, height));
            let news = News {
                output: b"compiling\n\x1b[32mdone\x1b[0m\n".into(),
                ..News::default()
            };
            update(&mut model, Message::News(Box::new(news)));
            let mut text = String::new();
            for screen in Screen::ALL {
                update(&mut model, Message::Show(screen));
                page(&mut text, screen.title(), &model);
            }
            check(&format!("{name}-{width}x{height}"), &text);
        }
    }
}

/// Check what is above screens: help, prompts, a search with its share, a filter, a zoom.
#[test]
fn what_is_open() {
    for (width, height) in SIZES {
        let mut model = profile("wide");
        let mut text = String::new();
        let mut step = |model: &mut Model, title: &str, messages: Vec<Message>| {
            for message in messages {
                update(model, message);
            }
            page(&mut text, title, model);
        };
        let typed = |text: &str| text.chars().map(Message::Type).collect::<Vec<_>>();
        update(&mut model, Message::Resize(width, height));
        step(&mut model, "help", vec![Message::Help]);
        step(&mut model, "export", vec![Message::Escape, Message::Export]);
        step(
            &mut model,
            "search",
            [vec![Message::Escape, Message::Search], typed("^q")].concat_all(),
        );
        step(
            &mut model,
            "searched",
            vec![
                Message::Enter,
                Message::Match(crate::tui::message::Turn::Forth),
            ],
        );
        step(
            &mut model,
            "wrong",
            [vec![Message::Search, Message::EraseAll], typed("(")].concat_all(),
        );
        step(
            &mut model,
            "filter",
            vec![Message::Escape, Message::Filter, Message::Alternate],
        );
        step(
            &mut model,
            "filtered",
            [typed("make"), vec![Message::Enter]].concat_all(),
        );
        step(
            &mut model,
            "zoomed",
            vec![
                Message::Move(Direction::Up),
                Message::Move(Direction::Up),
                Message::Enter,
            ],
        );
        step(&mut model, "icicle", vec![Message::Icicle, Message::Pause]);
        check(&format!("open-{width}x{height}"), &text);
    }
}

/// Check that kinds can be told apart without colours and with ASCII only.
#[test]
fn without_colours() {
    let mut model = profile("wide");
    model.theme.palette = Palette::Mono;
    model.theme.symbols = &ASCII;
    let mut text = String::new();
    for screen in Screen::ALL
        .into_iter()
        .filter(|screen| *screen != Screen::Output)
    {
        update(&mut model, Message::Show(screen));
        page(&mut text, screen.title(), &model);
    }
    assert!(text.is_ascii(), "{text}");
    check("mono-80x24", &text);
}

/// Check that a terminal that is too small is told so.
#[test]
fn too_small() {
    let mut model = profile("wide");
    update(&mut model, Message::Resize(39, 9));
    assert_eq!(drawn(&model)[0], "39x9 is too small: somno needs 40x10");
}

/// Puts lists of messages behind each other.
trait ConcatAll {
    fn concat_all(self) -> Vec<Message>;
}

impl ConcatAll for [Vec<Message>; 2] {
    fn concat_all(self) -> Vec<Message> {
        self.into_iter().flatten().collect()
    }
}
