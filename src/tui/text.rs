//! Text that fits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::theme::Symbols;

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Cuts a text that is too wide, and says so by its last column.
#[must_use]
pub fn fit(text: &str, columns: usize, symbols: &Symbols) -> String {
    if width(text) <= columns {
        return text.into();
    }
    let mut fitting = String::new();
    let mut used = 0;
    let mut letter = [0; 4];
    for c in text.chars() {
        let more = width(c.encode_utf8(&mut letter));
        if used + more >= columns {
            break;
        }
        fitting.push(c);
        used += more;
    }
    if columns > 0 {
        fitting.push_str(symbols.cut);
    }
    fitting
}

/// Writes a line into an area's first row, cut to its width, in place of what is there.
pub fn write(buffer: &mut Buffer, area: Rect, text: &str, style: Style, symbols: &Symbols) {
    if area.is_empty() {
        return;
    }
    let line = Rect { height: 1, ..area };
    for cell in line.positions() {
        buffer[cell].reset();
    }
    buffer.set_style(line, style);
    let text = fit(text, area.width.into(), symbols);
    buffer.set_stringn(area.x, area.y, text, area.width.into(), style);
}

/// A share as a percentage of five columns or less.
#[must_use]
pub fn percent(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 {
        part * 100.0 / whole
    } else {
        0.0
    };
    if percent >= 99.95 {
        "100%".into()
    } else if percent <= 0.0 {
        // the sum of no numbers is a negative zero
        "0.0%".into()
    } else if percent < 0.05 {
        "<0.1%".into()
    } else {
        format!("{percent:.1}%")
    }
}

/// A number with its thousands apart.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as a clock has them.
#[must_use]
pub fn clock(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A word as a shell takes it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._+-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Words in lines of so many columns; a line's own indentation is kept.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let words = text.trim_start();
    let indent = " ".repeat((text.len() - words.len()).min(columns / 2));
    let mut lines = Vec::new();
    let mut line = indent.clone();
    for word in words.split(' ') {
        if line.len() > indent.len() {
            if width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::replace(&mut line, indent.clone()));
            } else {
                line.push(' ');
            }
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::UNICODE;

    /// Check that wide letters count double, and what is cut says so.
    #[test]
    fn text_is_cut_by_columns() {
        for (text, columns, fitting) in [
            ("main", 4, "main"),
            ("mainly", 4, "mai…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("x", 0, ""),
        ] {
            assert_eq!(fit(text, columns, &UNICODE), fitting);
            assert!(width(fitting) <= columns);
        }
    }

    /// Check the spelling of shares, numbers and times.
    #[test]
    fn numbers_are_spelled() {
        let percentages = [0.0, 0.01, 1.0, 99.9, 99.99, 100.0].map(|part| percent(part, 100.0));
        assert_eq!(
            percentages,
            ["0.0%", "<0.1%", "1.0%", "99.9%", "100%", "100%"]
        );
        assert_eq!(percent(1.0, 0.0), "0.0%");
        assert_eq!([-0.0, -1.0].map(|part| percent(part, 2.0)), ["0.0%"; 2]);
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([5, 65, 3725].map(clock), ["0:05", "1:05", "1:02:05"]);
    }

    /// Check that words with anything that a shell would understand are quoted.
    #[test]
    fn words_are_quoted() {
        for (word, expected) in [
            ("dir/profile.1.somno", "dir/profile.1.somno"),
            ("", "''"),
            ("my profile.somno", "'my profile.somno'"),
            ("^f<'a>$", r"'^f<'\''a>$'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    /// Check that lines are wrapped at words and stay indented.
    #[test]
    fn lines_are_wrapped() {
        assert_eq!(wrap("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrap("", 9), [""]);
        assert_eq!(wrap("incomprehensible", 9), ["incomprehensible"]);
    }
}
