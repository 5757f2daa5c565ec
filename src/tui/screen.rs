//! The screens: what each shows, and what keys do there.

pub mod flame;
pub mod health;
pub mod hottest;
pub mod output;
pub mod sandwich;
pub mod tasks;
pub mod timeline;
pub mod tree;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::message::{Direction, Mouse};
use super::model::Model;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Screen {
    /// The flame graph.
    Flame,
    /// The hottest functions.
    Hottest,
    /// The call tree.
    Tree,
    /// Callers and callees of a function.
    Sandwich,
    /// Processes and threads.
    Tasks,
    /// The timeline.
    Timeline,
    /// Outcomes, losses and costs.
    Health,
    /// What the command wrote.
    Output,
}

impl Screen {
    /// Every screen, in order.
    pub const ALL: [Self; 8] = [
        Self::Flame,
        Self::Hottest,
        Self::Tree,
        Self::Sandwich,
        Self::Tasks,
        Self::Timeline,
        Self::Health,
        Self::Output,
    ];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Flame => "Flame",
            Self::Hottest => "Hottest",
            Self::Tree => "Tree",
            Self::Sandwich => "Sandwich",
            Self::Tasks => "Tasks",
            Self::Timeline => "Time",
            Self::Health => "Health",
            Self::Output => "Output",
        }
    }

    /// The digit that chooses it.
    #[must_use]
    pub fn digit(self) -> usize {
        self as usize + 1
    }
}

/// Makes what the screen lists anew.
pub(super) fn refresh(model: &mut Model) {
    match model.screen {
        Screen::Hottest => hottest::refresh(model),
        Screen::Sandwich => sandwich::refresh(model),
        Screen::Tasks => tasks::refresh(model),
        Screen::Flame | Screen::Tree | Screen::Timeline | Screen::Health | Screen::Output => {}
    }
}

/// Brings what is selected into view.
pub(super) fn settle(model: &mut Model) {
    match model.screen {
        Screen::Flame => flame::settle(model),
        Screen::Hottest => hottest::settle(model),
        Screen::Tree => tree::settle(model),
        Screen::Sandwich => sandwich::settle(model),
        Screen::Tasks => tasks::settle(model),
        Screen::Timeline => timeline::settle(model),
        Screen::Health => health::settle(model),
        Screen::Output => output::settle(model),
    }
}

/// Moves the selection.
pub(super) fn step(model: &mut Model, direction: Direction) {
    match model.screen {
        Screen::Flame => flame::step(model, direction),
        Screen::Hottest => hottest::step(model, direction),
        Screen::Tree => tree::step(model, direction),
        Screen::Sandwich => sandwich::step(model, direction),
        Screen::Tasks => tasks::step(model, direction),
        Screen::Timeline => timeline::step(model, direction),
        Screen::Health => health::step(model, direction),
        Screen::Output => output::step(model, direction),
    }
}

/// Does what Enter does.
pub(super) fn enter(model: &mut Model) {
    match model.screen {
        Screen::Flame | Screen::Tree => {
            let selected = model.cursor.selected;
            model.cursor.zoom_to(selected);
            flame::show_zoom(model);
        }
        Screen::Hottest => hottest::enter(model),
        Screen::Sandwich => sandwich::enter(model),
        Screen::Tasks => tasks::enter(model),
        Screen::Timeline => timeline::enter(model),
        Screen::Health | Screen::Output => {}
    }
}

/// Goes back to before; tells whether there was anything.
pub(super) fn back(model: &mut Model) -> bool {
    match model.screen {
        Screen::Flame | Screen::Tree => {
            let was_zoomed = model.cursor.zoom_back();
            flame::show_zoom(model);
            was_zoomed
        }
        Screen::Sandwich => sandwich::back(model),
        Screen::Tasks => tasks::back(model),
        Screen::Timeline => timeline::back(model),
        Screen::Hottest | Screen::Health | Screen::Output => false,
    }
}

/// Does what a mouse does inside the screen, at a column and a row of the terminal.
pub(super) fn mouse(model: &mut Model, mouse: Mouse, x: u16, y: u16) {
    let area = model.areas().body;
    let row = usize::from(y - area.y);
    match (mouse, model.screen) {
        (Mouse::WheelUp, _) => wheel(model, Direction::Up),
        (Mouse::WheelDown, _) => wheel(model, Direction::Down),
        (Mouse::Press, Screen::Flame) => flame::press(model, x, y),
        (Mouse::Press, Screen::Hottest) => hottest::press(model, row),
        (Mouse::Press, Screen::Tree) => tree::press(model, x, row),
        (Mouse::Press, Screen::Sandwich) => sandwich::press(model, row),
        (Mouse::Press, Screen::Tasks) => tasks::press(model, row),
        (_, Screen::Timeline) => timeline::mouse(model, mouse, x, y),
        _ => {}
    }
}

fn wheel(model: &mut Model, direction: Direction) {
    match model.screen {
        Screen::Flame => flame::scroll(model, direction),
        _ => (0..3).for_each(|_| step(model, direction)),
    }
}

/// Goes to the next match of the search, or to the one before.
pub(super) fn next_match(model: &mut Model, turn: super::message::Turn) {
    match model.screen {
        Screen::Hottest => hottest::next_match(model, turn),
        Screen::Flame | Screen::Tree => tree::next_match(model, turn),
        _ => {}
    }
}

/// Draws the screen.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    match model.screen {
        Screen::Flame => flame::draw(model, area, buffer),
        Screen::Hottest => hottest::draw(model, area, buffer),
        Screen::Tree => tree::draw(model, area, buffer),
        Screen::Sandwich => sandwich::draw(model, area, buffer),
        Screen::Tasks => tasks::draw(model, area, buffer),
        Screen::Timeline => timeline::draw(model, area, buffer),
        Screen::Health => health::draw(model, area, buffer),
        Screen::Output => output::draw(model, area, buffer),
    }
}
