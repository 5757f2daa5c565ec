//! What is said of what was sampled, and for how long a message stays.

use super::{drawn, feed, model, tick};
use crate::live::fake::Fake;
use crate::live::store::Bounds;
use crate::tui::message::{Direction, Message, Mouse, Turn};
use crate::tui::model::{Model, Source};
use crate::tui::screen::Screen;
use crate::tui::update::update;

/// A model of a function that calls itself.
fn recursive() -> Model {
    let stacks = [
        &["main", "insert", "insert", "insert"][..],
        &["main", "insert", "insert"],
        &["main", "insert"],
        &["main", "insert", "insert", "free"],
        &["main"],
    ];
    sampled(&stacks)
}

fn sampled(stacks: &[&[&str]]) -> Model {
    let mut model = model(Bounds::LIVE);
    let mut fake = Fake::new();
    for (millisecond, stack) in (1..).zip(stacks) {
        fake.sample(millisecond, ("app", 1, 1), stack);
    }
    fake.name_all();
    feed(&mut model, fake.take());
    tick(&mut model, 250);
    model
}

fn press(model: &mut Model, messages: Vec<Message>) {
    for message in messages {
        update(model, message);
    }
}

/// The line below the screen.
fn details(model: &Model) -> String {
    drawn(model)[22].clone()
}

/// Check that screens agree on what a function that calls itself weighs, and that its callers
/// have nothing that could be taken for their own.
#[test]
fn recursion_is_weighed_alike() {
    let mut model = recursive();
    let expected = " insert: 80.0% total, 60.0% self, 4 samples, program app, src/app.c:7";
    for screen in [Screen::Hottest, Screen::Sandwich] {
        update(&mut model, Message::Show(screen));
        assert_eq!(details(&model), expected, "{screen:?}");
    }
    update(&mut model, Message::Move(Direction::Up));
    assert_eq!(
        details(&model),
        " main: 80.0% total, 4 samples, program app, src/app.c:7"
    );
    let lines = drawn(&model);
    assert!(lines[4].starts_with("   100%         "), "{}", lines[4]);
}

/// Check that a message goes with the next key, and not by what comes by itself.
#[test]
fn messages_stay_until_the_next_key() {
    let mut model = recursive();
    update(&mut model, Message::Show(Screen::Output));
    tick(&mut model, 500);
    update(&mut model, Message::Mouse(Mouse::Hover, 1, 1));
    assert_eq!(
        details(&model),
        " there is no command: its output would be here"
    );
    update(&mut model, Message::Show(Screen::Timeline));
    assert!(!details(&model).contains("no command"));
    update(&mut model, Message::Say("wrote profile.svg".into()));
    assert_eq!(details(&model), " wrote profile.svg");
}

/// Check that what finds nothing has no share, and says so.
#[test]
fn a_search_may_find_nothing() {
    let mut model = recursive();
    let typed = "zzz".chars().map(Message::Type);
    update(&mut model, Message::Search);
    press(&mut model, typed.collect());
    update(&mut model, Message::Enter);
    assert_eq!(drawn(&model)[2], " all samples │ by process │ /zzz 0.0%");
    update(&mut model, Message::Match(Turn::Forth));
    assert_eq!(details(&model), " nothing matches");
}

/// Check that an expression that is wrong can be mended, whatever it is for.
#[test]
fn wrong_answers_stay() {
    for (ask, question) in [
        (Message::Search, "/"),
        (Message::Filter, "filter by function (Tab: another): "),
    ] {
        let mut model = recursive();
        press(&mut model, vec![ask, Message::Type('('), Message::Enter]);
        assert_eq!(details(&model), format!(" {question}(_  (unclosed group)"));
        let mended = vec![Message::Erase, Message::Type('m'), Message::Enter];
        press(&mut model, mended);
        assert!(model.overlay.is_none(), "{question}");
    }
}

/// Check that the command that annotates can be typed as it is told.
#[test]
fn annotating_is_told() {
    let mut model = recursive();
    update(&mut model, Message::Show(Screen::Hottest));
    for (source, said) in [
        (
            Source::Live,
            " export a recording (e, r); then: somno annotate FILE '^insert$'",
        ),
        (
            Source::File("my profile.somno".into()),
            " in a shell: somno annotate 'my profile.somno' '^insert$'",
        ),
    ] {
        model.source = source;
        update(&mut model, Message::Annotate);
        assert_eq!(details(&model), said);
    }
}

/// Check that who ended a wait has a letter and a mark of its own.
#[test]
fn wakers_are_told_apart() {
    let mut model = sampled(&[&["main", "schedule_[k]", "try_to_wake_up_[w]"]]);
    assert!(
        drawn(&model)
            .iter()
            .any(|line| line.contains("try_to_wake_up_[w]"))
    );
    update(&mut model, Message::Resize(100, 60));
    for (message, expected) in [
        (Message::Show(Screen::Hottest), "w try_to_wake_up"),
        (Message::Show(Screen::Hottest), "k schedule"),
        (Message::Help, "k kernel, w waker, ! reason"),
    ] {
        update(&mut model, message);
        let shown = drawn(&model).join("\n");
        assert!(shown.contains(expected), "{shown}");
    }
}

/// Check that a recording without its end is not said to have lost nothing.
#[test]
fn losses_may_be_unknown() {
    let mut model = recursive();
    update(&mut model, Message::Show(Screen::Health));
    for (is_cut, is_said) in [(false, true), (true, false)] {
        model.is_cut = is_cut;
        let shown = drawn(&model).join("\n");
        assert_eq!(shown.contains("Nothing was lost."), is_said, "{shown}");
    }
}
