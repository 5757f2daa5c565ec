//! What the command wrote to its terminal.

use std::collections::VecDeque;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::list;
use crate::tui::message::Direction;
use crate::tui::model::Model;
use crate::tui::text;

/// Lines that are kept.
const LINES_MAX: usize = 2000;
/// Letters of a line that are kept.
const LETTERS_MAX: usize = 1000;
/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// Lines, and where one is in them. What a terminal would obey is not obeyed, but for
/// what begins a line anew.
#[derive(Clone, Debug, Default)]
pub struct State {
    lines: VecDeque<Vec<char>>,
    column: usize,
    escape: Escape,
    /// Bytes of a letter that is not whole.
    partial: Vec<u8>,
    /// Lines from the end; 0 follows it.
    from_end: usize,
}

/// Where in a control sequence the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    /// In none.
    #[default]
    None,
    /// Behind the escape.
    Begun,
    /// In one that ends with a letter.
    Control,
    /// In a string that ends with a bell or a backslash behind an escape.
    String,
    /// In such a string, behind an escape.
    StringEnd,
    /// One more byte belongs to it.
    OneMore,
}

impl State {
    /// Takes what was written.
    pub fn write(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.partial);
        all.extend(bytes);
        let mut rest = &all[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    text.chars().for_each(|c| self.put(c));
                    return;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    String::from_utf8_lossy(good)
                        .chars()
                        .for_each(|c| self.put(c));
                    let Some(skip) = error.error_len() else {
                        self.partial = bad.to_vec();
                        return;
                    };
                    self.put('?');
                    rest = &bad[skip..];
                }
            }
        }
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line.
    #[must_use]
    pub fn line(&self, at: usize) -> String {
        let line = self.lines.get(at);
        line.map(|line| line.iter().collect()).unwrap_or_default()
    }

    fn put(&mut self, c: char) {
        self.escape = match (self.escape, c) {
            (Escape::None, '\x1b') => Escape::Begun,
            (Escape::None, '\u{9b}')
            | (Escape::Begun, '[')
            | (Escape::Control, '\x20'..='\x3f') => Escape::Control,
            (Escape::None, c) => {
                self.put_plain(c);
                Escape::None
            }
            (Escape::Control, c) => {
                self.control(c);
                Escape::None
            }
            (Escape::Begun, '(' | ')' | '#' | '%' | ' ') => Escape::OneMore,
            (Escape::String, '\x1b') => Escape::StringEnd,
            (Escape::Begun, ']' | 'P' | 'X' | '^' | '_') => Escape::String,
            (Escape::String | Escape::StringEnd, c) => {
                let is_end = c == '\x07' || (self.escape, c) == (Escape::StringEnd, '\\');
                if is_end { Escape::None } else { Escape::String }
            }
            (Escape::Begun | Escape::OneMore, _) => Escape::None,
        };
    }

    fn put_plain(&mut self, c: char) {
        match c {
            '\n' => {
                self.lines.push_back(Vec::new());
                self.column = 0;
            }
            '\r' => self.column = 0,
            '\x08' => self.column = self.column.saturating_sub(1),
            '\t' => {
                let to = (self.column / TAB + 1) * TAB;
                (self.column..to).for_each(|_| self.put_letter(' '));
            }
            c if c.is_control() => {}
            c => self.put_letter(c),
        }
        while self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
    }

    fn put_letter(&mut self, c: char) {
        if self.lines.is_empty() {
            self.lines.push_back(Vec::new());
        }
        let Some(line) = self.lines.back_mut() else {
            return;
        };
        if self.column >= LETTERS_MAX {
            return;
        }
        if self.column >= line.len() {
            line.resize(self.column + 1, ' ');
        }
        line[self.column] = c;
        self.column += 1;
    }

    /// Erases the rest of the line, where that is what a sequence does.
    fn control(&mut self, end: char) {
        if matches!(end, 'K' | 'J')
            && let Some(line) = self.lines.back_mut()
        {
            line.truncate(self.column);
        }
    }
}

pub(super) fn settle(model: &mut Model) {
    let height = usize::from(model.areas().body.height);
    if let Some(state) = &mut model.output {
        let most = state.lines.len().saturating_sub(height);
        state.from_end = state.from_end.min(most);
    }
}

pub(super) fn step(model: &mut Model, direction: Direction) {
    let height = usize::from(model.areas().body.height);
    if let Some(state) = &mut model.output {
        let last = state.lines.len().saturating_sub(height);
        let from = last.saturating_sub(state.from_end);
        let to = list::moved(from, last + 1, height, direction);
        state.from_end = last - to;
    }
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let Some(state) = model.output.as_ref().filter(|state| !state.is_empty()) else {
        let line = "  the command wrote nothing yet";
        text::write(buffer, area, line, theme.dim(), theme.symbols);
        return;
    };
    // the line that is not begun yet needs no room
    let count = state.len() - usize::from(state.lines.back().is_some_and(Vec::is_empty));
    let first = count.saturating_sub(usize::from(area.height) + state.from_end);
    for (y, at) in (area.y..area.bottom()).zip(first..count) {
        let row = Rect::new(area.x, y, area.width, 1);
        let line = crate::text::clean(&state.line(at));
        text::write(buffer, row, &line, theme.plain(), theme.symbols);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    fn written(pieces: &[&[u8]]) -> Vec<String> {
        let mut state = State::default();
        for piece in pieces {
            state.write(piece);
        }
        (0..state.len()).map(|at| state.line(at)).collect()
    }

    /// Check that control sequences are taken out, also in pieces, and lines begun anew.
    #[test]
    fn output_is_plain() {
        for (pieces, lines) in [
            (&[&b"a\x1b[31mb\x1b[0mc"[..]][..], &["abc"][..]),
            (&[b"\x1b]0;title\x07x\x1b]8;;y\x1b\\z"], &["xz"]),
            (&[b"a\x1b", b"[1;", b"2Hb"], &["ab"]),
            (&[b"10%\r20%\r\x1b[Kdone\nx"], &["done", "x"]),
            (&[b"ab\x08c\td"], &["ac      d"]),
            (&[b"\xe6\x97", b"\xa5\xff!"], &["日?!"]),
            (&[b"\x1b(Bq\x1bPdcs\x1b\\r\x00\x07"], &["qr"]),
        ] {
            assert_eq!(written(pieces), lines, "{pieces:?}");
        }
    }

    /// Check that whatever is written takes bounded room.
    #[test]
    fn output_is_bounded() {
        let mut state = State::default();
        state.write(&b"x".repeat(10_000));
        state.write(&b"\n\x1b[2J".repeat(10_000));
        state.write(&b"\x1b]".repeat(10_000));
        assert!(state.len() <= LINES_MAX);
        assert!(state.lines.iter().all(|line| line.len() <= LETTERS_MAX));
    }

    /// Check that whatever is written, in whatever pieces, nothing that a terminal obeys is
    /// left, and the room is bounded.
    #[test]
    fn damage_is_harmless() {
        let texts: [&[u8]; 3] = [
            b"a\x1b[31mb\x1b]0;title\x07x\x1b]8;;y\x1b\\z\r\n",
            b"10%\r20%\r\x1b[Kdone\tx\x08\xe6\x97\xa5\xff\n",
            b"\x1b(Bq\x1bPdcs\x1b\\r\xc2\x9b31m",
        ];
        Fuzz::of(&texts).run(|bytes| {
            let mut state = State::default();
            for piece in bytes.chunks(3).chain([bytes]) {
                state.write(piece);
            }
            for at in 0..state.len() {
                assert!(!state.line(at).chars().any(char::is_control));
            }
            assert!(state.partial.len() < 4);
        });
    }
}
