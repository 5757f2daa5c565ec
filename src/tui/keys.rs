//! What keys mean, in one table, from which the help is made too.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::message::{Direction, ExportFormat, Message, Mouse, Turn};
use super::screen::Screen;

/// What is asked for, which decides what keys mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Normal,
    /// A line of text.
    Prompt,
    /// One of a few formats.
    Export,
}

/// A key, or several that do the same.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What is on the keys.
    pub keys: &'static str,
    /// What they do.
    pub meaning: &'static str,
}

const fn binding(keys: &'static str, meaning: &'static str) -> Binding {
    Binding { keys, meaning }
}

/// Every key, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    binding("1 to 8, Tab, Shift-Tab", "choose a screen"),
    binding(
        "arrows, h j k l",
        "move; in trees right unfolds and left folds",
    ),
    binding("PgUp PgDn Home End", "move further"),
    binding("Enter", "zoom in; in lists, callers and callees"),
    binding("Backspace", "back to before"),
    binding("Esc", "close what is open; end a search, a zoom, a filter"),
    binding("/", "search by regular expression; n and N go to matches"),
    binding(
        "F4 \\",
        "filter by process, thread or function (Tab chooses)",
    ),
    binding("Space", "pause: sampling goes on, the picture stays"),
    binding("r", "reset: forget what was sampled so far"),
    binding("w", "window: 5 s, 30 s, all, decaying"),
    binding("o O", "order by another column; backwards"),
    binding("g", "group by process, thread, CPU, or not at all"),
    binding("K", "kernel functions on and off"),
    binding("i", "flame graph upside down (icicle)"),
    binding("*", "unfold the hottest path"),
    binding("e", "export what is shown"),
    binding("a", "tell the command that annotates the selected function"),
    binding("T", "other colours"),
    binding("?", "this help"),
    binding("Ctrl-Z", "suspend"),
    binding("q, Ctrl-C", "quit"),
    binding(
        "mouse",
        "hover, click to select and zoom, right click back, wheel",
    ),
];

/// What an event of the terminal means; most mean nothing.
#[must_use]
pub fn message(event: &Event, mode: Mode) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => match mode {
            Mode::Normal => of_key(*key),
            Mode::Prompt => of_typed(*key),
            Mode::Export => of_choice(*key),
        },
        Event::Mouse(mouse) => of_mouse(*mouse),
        Event::Resize(width, height) => Some(Message::Resize(*width, *height)),
        _ => None,
    }
}

fn of_key(key: KeyEvent) -> Option<Message> {
    if let Some(message) = of_control(key) {
        return Some(message);
    }
    let direction = match key.code {
        KeyCode::Up | KeyCode::Char('k') => Some(Direction::Up),
        KeyCode::Down | KeyCode::Char('j') => Some(Direction::Down),
        KeyCode::Left | KeyCode::Char('h') => Some(Direction::Left),
        KeyCode::Right | KeyCode::Char('l') => Some(Direction::Right),
        KeyCode::PageUp => Some(Direction::PageUp),
        KeyCode::PageDown => Some(Direction::PageDown),
        KeyCode::Home => Some(Direction::Home),
        KeyCode::End => Some(Direction::End),
        _ => None,
    };
    if let Some(direction) = direction {
        return Some(Message::Move(direction));
    }
    Some(match key.code {
        KeyCode::Enter => Message::Enter,
        KeyCode::Backspace => Message::Back,
        KeyCode::Esc => Message::Escape,
        KeyCode::Tab => Message::Turn(Turn::Forth),
        KeyCode::BackTab => Message::Turn(Turn::Back),
        KeyCode::F(4) => Message::Filter,
        KeyCode::F(1) => Message::Help,
        KeyCode::F(10) => Message::Quit,
        KeyCode::Char(c) => return of_letter(c),
        _ => return None,
    })
}

fn of_control(key: KeyEvent) -> Option<Message> {
    if !key.modifiers.contains(KeyModifiers::CONTROL) {
        return None;
    }
    match key.code {
        KeyCode::Char('c') => Some(Message::Quit),
        KeyCode::Char('z') => Some(Message::Suspend),
        KeyCode::Char('u') => Some(Message::Move(Direction::PageUp)),
        KeyCode::Char('d') => Some(Message::Move(Direction::PageDown)),
        _ => None,
    }
}

fn of_letter(letter: char) -> Option<Message> {
    Some(match letter {
        '1'..='8' => {
            let position = letter.to_digit(10)? as usize - 1;
            Message::Show(Screen::ALL[position])
        }
        'i' => Message::Icicle,
        '*' => Message::Unfold,
        '/' => Message::Search,
        'n' => Message::Match(Turn::Forth),
        'N' => Message::Match(Turn::Back),
        '\\' => Message::Filter,
        ' ' => Message::Pause,
        'r' => Message::Reset,
        'w' => Message::Window,
        'o' => Message::Order,
        'O' => Message::Reverse,
        'g' => Message::Group,
        'K' => Message::Kernel,
        'e' => Message::Export,
        'a' => Message::Annotate,
        'T' => Message::Theme,
        '?' => Message::Help,
        'q' => Message::Quit,
        _ => return None,
    })
}

fn of_typed(key: KeyEvent) -> Option<Message> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('u' | 'w') => Some(Message::EraseAll),
            _ => of_control(key).filter(|it| matches!(it, Message::Quit | Message::Suspend)),
        };
    }
    Some(match key.code {
        KeyCode::Enter => Message::Enter,
        KeyCode::Esc => Message::Escape,
        KeyCode::Backspace => Message::Erase,
        KeyCode::Tab | KeyCode::BackTab => Message::Alternate,
        KeyCode::Char(c) => Message::Type(c),
        _ => return None,
    })
}

fn of_choice(key: KeyEvent) -> Option<Message> {
    if let Some(message) = of_control(key) {
        return Some(message);
    }
    Some(match key.code {
        KeyCode::Char('s') | KeyCode::Enter => Message::ExportAs(ExportFormat::Svg),
        KeyCode::Char('f') => Message::ExportAs(ExportFormat::Folded),
        KeyCode::Char('r') => Message::ExportAs(ExportFormat::Recording),
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Char('q' | 'e') => Message::Escape,
        _ => return None,
    })
}

fn of_mouse(event: MouseEvent) -> Option<Message> {
    let what = match event.kind {
        MouseEventKind::Moved => Mouse::Hover,
        MouseEventKind::Down(MouseButton::Left) => Mouse::Press,
        MouseEventKind::Drag(MouseButton::Left) => Mouse::Drag,
        MouseEventKind::Up(MouseButton::Left) => Mouse::Release,
        MouseEventKind::Down(MouseButton::Right) => Mouse::PressRight,
        MouseEventKind::ScrollUp => Mouse::WheelUp,
        MouseEventKind::ScrollDown => Mouse::WheelDown,
        _ => return None,
    };
    Some(Message::Mouse(what, event.column, event.row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode) -> Option<Message> {
        message(&Event::Key(KeyEvent::from(code)), Mode::Normal)
    }

    /// Check that every key of the help does something.
    #[test]
    fn help_is_true() {
        for binding in BINDINGS {
            let letters = binding
                .keys
                .split([' ', ','])
                .filter(|key| key.chars().count() == 1);
            for key in letters.flat_map(str::chars) {
                assert!(pressed(KeyCode::Char(key)).is_some(), "{key}");
            }
        }
    }

    /// Check that letters are text where text is asked for, and Ctrl-C quits everywhere.
    #[test]
    fn prompts_take_letters() {
        let typed = |code| message(&Event::Key(KeyEvent::from(code)), Mode::Prompt);
        assert!(matches!(
            typed(KeyCode::Char('q')),
            Some(Message::Type('q'))
        ));
        assert!(matches!(typed(KeyCode::Tab), Some(Message::Alternate)));
        let quit = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for mode in [Mode::Normal, Mode::Prompt, Mode::Export] {
            let meant = message(&Event::Key(quit), mode);
            assert!(matches!(meant, Some(Message::Quit)), "{mode:?}");
        }
    }
}
