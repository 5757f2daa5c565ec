//! The screens as text, and what holds whatever happens.

mod properties;
mod said;
mod snapshots;

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::message::{Health, Message, News};
use super::model::{Model, Source};
use super::theme::{Depth, Palette, Theme, UNICODE};
use super::update::update;
use super::view;
use crate::event::{Mode, Outcome};
use crate::live::batch::Batch;
use crate::live::fake::BEGAN;
use crate::live::store::{Bounds, Store};
use crate::profile::header::{EventInfo, Header, Machine, Unit};
use crate::profile::tally::Tally;
use crate::profile::totals::Totals;
use crate::time::{Rate, Timestamp};

/// A model in which nothing was sampled yet.
fn model(bounds: Bounds) -> Model {
    let store = Store::new(BEGAN, bounds, 1_000_000_000);
    let theme = Theme {
        palette: Palette::Dark,
        depth: Depth::True,
        symbols: &UNICODE,
    };
    Model::new(store, health(0), Source::Live, theme)
}

fn health(samples: u64) -> Health {
    let mut tally = Tally::new();
    if samples > 0 {
        tally.outcomes.insert(Outcome::Complete, samples);
        tally.outcomes.insert(Outcome::NoCfi, 1);
    }
    Health {
        header: Header {
            version: "0".into(),
            command_line: Vec::new(),
            target: "system".into(),
            mode: Mode::Deferred,
            events: vec![EventInfo {
                name: "cycles".into(),
                unit: Unit::Samples,
                rate: None,
            }],
            rate: Rate::Frequency(999.try_into().expect("it is not zero")),
            began_unix_ns: 0,
            began: BEGAN,
            off_cpu_min: None,
            machine: Machine {
                cpus: 2,
                ..Machine::default()
            },
        },
        tally,
        totals: Totals {
            duration: Duration::from_millis(2500),
            ..Totals::default()
        },
        notes: vec!["no PMU here: sampling by cpu-clock, a timer".into()],
        threads: vec![("this interface".into(), Duration::from_millis(50))],
        named: 12,
        unnamed: Vec::new(),
        naming: 0,
    }
}

fn feed(model: &mut Model, batch: Batch) {
    let samples = batch.samples.len() as u64;
    let news = News {
        batches: vec![batch],
        health: Some(health(samples)),
        ..News::default()
    };
    update(model, Message::News(Box::new(news)));
}

fn tick(model: &mut Model, millisecond: u64) {
    let now = Timestamp(BEGAN.0 + millisecond * 1_000_000);
    update(model, Message::Tick(now));
}

/// What is drawn, line by line.
fn drawn(model: &Model) -> Vec<String> {
    let backend = TestBackend::new(model.size.width, model.size.height);
    let mut terminal = Terminal::new(backend).expect("it needs nothing");
    terminal
        .draw(|frame| view::draw(model, frame.buffer_mut()))
        .expect("it cannot fail");
    let buffer = terminal.backend().buffer();
    let lines = (0..buffer.area.height).map(|y| {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // the column behind a wide letter is its second half
            x += u16::try_from(super::text::width(symbol).max(1)).unwrap_or(1);
        }
        line.trim_end().to_owned()
    });
    lines.collect()
}

/// Check that a terminal that has another size by now than the model was told is drawn on, in
/// the size that it has.
#[test]
fn size_is_that_of_the_terminal() {
    let mut model = model(Bounds::LIVE);
    for (told, is) in [
        ((200, 60), (80, 24)),
        ((80, 24), (200, 60)),
        ((80, 24), (20, 5)),
    ] {
        update(&mut model, Message::Resize(told.0, told.1));
        let mut terminal = Terminal::new(TestBackend::new(is.0, is.1)).expect("it needs nothing");
        super::draw(&mut terminal, &mut model).expect("it cannot fail");
        assert_eq!(model.size, is.into());
        let first = terminal.backend().buffer().cell((1, 0));
        assert_ne!(
            first.map(ratatui::buffer::Cell::symbol),
            Some(" "),
            "{is:?}"
        );
    }
}
