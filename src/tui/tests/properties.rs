//! What holds whatever happens, in whatever order.

use super::{drawn, feed, model, tick};
use crate::live::fake::{Fake, Random};
use crate::live::interned::Id as _;
use crate::live::store::Bounds;
use crate::live::tree::Tree;
use crate::tui::keys::{Mode, message};
use crate::tui::message::{Direction, Message, Mouse, Turn};
use crate::tui::model::{Model, Overlay};
use crate::tui::screen::Screen;
use crate::tui::text::grouped;
use crate::tui::update::update;

const SMALL: Bounds = Bounds {
    rows: 300,
    keys: 150,
    stacks: 400,
    threads: 20,
    seconds: 30,
};

fn pick<T: Copy>(random: &mut Random, all: &[T]) -> T {
    all[random.below(all.len())]
}

fn random_size(random: &mut Random) -> Message {
    let (width, height) = match random.below(4) {
        0 => (40, 10),
        1 => (random.below(60), random.below(20)),
        2 => (80, 24),
        _ => (random.below(400), random.below(100)),
    };
    let size = |size: usize| u16::try_from(size).unwrap_or(1);
    Message::Resize(size(width), size(height))
}

fn random_mouse(random: &mut Random, model: &Model) -> Message {
    let what = [
        Mouse::Hover,
        Mouse::Press,
        Mouse::Drag,
        Mouse::Release,
        Mouse::PressRight,
        Mouse::WheelUp,
        Mouse::WheelDown,
    ];
    // also a little outside
    let x = random.below(usize::from(model.size.width) + 3);
    let y = random.below(usize::from(model.size.height) + 3);
    let place = |at: usize| u16::try_from(at).unwrap_or_default();
    Message::Mouse(pick(random, &what), place(x), place(y))
}

fn random_message(random: &mut Random, model: &Model) -> Message {
    let directions = [
        Direction::Up,
        Direction::Down,
        Direction::Left,
        Direction::Right,
        Direction::PageUp,
        Direction::PageDown,
        Direction::Home,
        Direction::End,
    ];
    let turns = [Turn::Forth, Turn::Back];
    match random.below(40) {
        0..8 => Message::Move(pick(random, &directions)),
        8..11 => Message::Enter,
        11 | 12 => Message::Back,
        13 => Message::Escape,
        14..17 => Message::Show(pick(random, &Screen::ALL)),
        17 => Message::Turn(pick(random, &turns)),
        18 => Message::Icicle,
        19 => Message::Unfold,
        20 => Message::Search,
        21 => Message::Match(pick(random, &turns)),
        22 => Message::Filter,
        23 => Message::Pause,
        24 if random.below(4) == 0 => Message::Reset,
        24 | 25 => Message::Window,
        26 => Message::Order,
        27 => Message::Reverse,
        28 => Message::Group,
        29 => Message::Kernel,
        30 => Message::Help,
        31 => Message::Export,
        32 => Message::Type(pick(random, &['f', '1', '(', '.', '日', '\\'])),
        33 => Message::Alternate,
        34 => Message::Annotate,
        35 => Message::Theme,
        36 => random_size(random),
        _ => random_mouse(random, model),
    }
}

fn random_batch(random: &mut Random, fake: &mut Fake, from: u64) {
    for n in 0..random.below(60) as u64 {
        let names: Vec<_> = (0..random.below(15))
            .map(|_| {
                let kind = pick(random, &["", "", "_[k]", "_[i]", "_[j]", "_[w]"]);
                format!("f{}{kind}", random.below(12))
            })
            .collect();
        let stack: Vec<_> = names.iter().map(String::as_str).collect();
        let pid = u32::try_from(random.below(30)).unwrap_or_default();
        fake.sample(from + n, ("app", pid, pid + 1), &stack);
    }
    if random.below(3) == 0 {
        fake.name_all();
    }
}

/// Panics unless everything that is selected is there.
fn check_selection(model: &Model) {
    let nodes = model.tree().len();
    let cursor = &model.cursor;
    assert!(cursor.selected.index() < nodes && cursor.zoom.index() < nodes);
    assert!(cursor.unfolded.iter().all(|node| node.index() < nodes));
    let entries = model.store.entries().len();
    let selected = [
        model.hottest.selected,
        model.sandwich.focus,
        model.sandwich.selected(),
    ];
    assert!(
        selected
            .into_iter()
            .flatten()
            .all(|entry| entry.index() < entries)
    );
    let is_asked = matches!(model.overlay, Some(Overlay::Prompt(_)));
    assert_eq!(model.mode() == Mode::Prompt, is_asked);
}

/// Check that nothing panics and selections stay valid, whatever comes in whatever order.
#[test]
fn nothing_goes_wrong() {
    for seed in 1..16 {
        let mut random = Random(seed);
        let mut model = model(SMALL);
        let mut fake = Fake::new();
        let mut millisecond = 0;
        for _ in 0..250 {
            if random.below(8) == 0 {
                random_batch(&mut random, &mut fake, millisecond);
                feed(&mut model, fake.take());
                millisecond += 250;
                tick(&mut model, millisecond);
            }
            let message = random_message(&mut random, &model);
            update(&mut model, message);
            check_selection(&model);
            if random.below(4) == 0 {
                drawn(&model);
            }
        }
    }
}

/// Check that a selection stays on its stack while samples come and names are found.
#[test]
fn selection_stays() {
    let mut model = model(SMALL);
    let mut fake = Fake::new();
    fake.sample(1, ("app", 1, 1), &["main", "deep", "leaf"]);
    feed(&mut model, fake.take());
    for _ in 0..4 {
        update(&mut model, Message::Move(Direction::Up));
    }
    fake.name_all();
    feed(&mut model, fake.take());
    tick(&mut model, 1000);
    let selected = |model: &Model| {
        let entry = model.tree().entry(model.cursor.selected);
        let depth = model.tree().depth(model.cursor.selected);
        (crate::tui::names::name(model, entry), depth)
    };
    assert_eq!(selected(&model), ("leaf".into(), 4));
    let mut random = Random(7);
    for round in 1..40 {
        random_batch(&mut random, &mut fake, round * 250);
        feed(&mut model, fake.take());
        tick(&mut model, round * 250);
        assert_eq!(selected(&model), ("leaf".into(), 4), "in round {round}");
    }
    assert!(model.tree().total(Tree::root()) > 0.0);
}

/// Check that the picture of a pause stays, and what the header says of it, though samples come.
#[test]
fn a_pause_keeps_the_picture() {
    let mut model = model(Bounds::LIVE);
    let (mut fake, mut random) = (Fake::new(), Random(3));
    random_batch(&mut random, &mut fake, 0);
    fake.name_all();
    feed(&mut model, fake.take());
    tick(&mut model, 250);
    update(&mut model, Message::Pause);
    for screen in [
        Screen::Flame,
        Screen::Hottest,
        Screen::Tree,
        Screen::Sandwich,
    ] {
        update(&mut model, Message::Show(screen));
        let picture = |model: &Model| {
            let lines = drawn(model);
            (lines[0].clone(), lines[3..22].to_vec())
        };
        let before = picture(&model);
        for round in 2..6 {
            random_batch(&mut random, &mut fake, round * 250);
            feed(&mut model, fake.take());
            tick(&mut model, round * 250);
        }
        assert_eq!(picture(&model), before, "{screen:?}");
    }
    update(&mut model, Message::Pause);
    assert!(!model.is_paused);
    let header = &drawn(&model)[0];
    assert!(header.ends_with(&grouped(model.came)), "{header}");
}

/// Check that letters that are typed mean nothing else while text is asked for.
#[test]
fn prompts_take_everything() {
    use ratatui::crossterm::event::{Event, KeyCode, KeyEvent};
    let mut model = model(SMALL);
    update(&mut model, Message::Search);
    for letter in "quit 12345678?".chars() {
        let event = Event::Key(KeyEvent::from(KeyCode::Char(letter)));
        let meant = message(&event, model.mode()).expect("letters are taken");
        update(&mut model, meant);
    }
    let Some(Overlay::Prompt(prompt)) = &model.overlay else {
        panic!("it is still asked");
    };
    assert_eq!(prompt.text, "quit 12345678?");
    assert_eq!(model.screen, Screen::Flame);
}
