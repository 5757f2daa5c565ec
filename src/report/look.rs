//! What the place where text goes can show, and text made for it: bars, columns, colours.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar as _;

use crate::profile::names::{FrameName, Kind};

/// Eighths of a cell, from none to all but one.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// A share from which a figure stands out, and one below which it steps back.
const LARGE: f64 = 0.10;
const SMALL: f64 = 0.01;

/// What the place where text goes can show. The default is plain ASCII, lines of any length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether there are colours.
    pub color: bool,
    /// Whether there is more than ASCII.
    pub unicode: bool,
    /// Columns; none where lines may be of any length.
    pub width: Option<usize>,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// The name of a column.
    Heading,
    /// What is there for whoever looks closer: modules, lines, what is hidden.
    Aside,
    /// A figure or bar, this share of everything.
    Share(f64),
    /// What grew.
    Grew,
    /// What shrank.
    Shrank,
    /// A function of this kind.
    Function(Kind),
    /// A group of samples.
    Group,
}

impl Role {
    fn style(self) -> Style {
        let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Heading => Style::new().underline(),
            Self::Aside => Style::new().dimmed(),
            Self::Share(share) if share >= LARGE => Style::new().bold(),
            Self::Share(share) if share < SMALL => Style::new().dimmed(),
            Self::Grew | Self::Function(Kind::Reason) => colored(AnsiColor::Red),
            Self::Shrank => colored(AnsiColor::Blue),
            Self::Function(Kind::Inlined) => colored(AnsiColor::Cyan),
            Self::Function(Kind::Jit) => colored(AnsiColor::Green),
            Self::Function(Kind::Kernel) => colored(AnsiColor::Yellow),
            Self::Function(Kind::Waker) => colored(AnsiColor::Magenta),
            Self::Group => Style::new().bold(),
            Self::Share(_) | Self::Function(_) => Style::new(),
        }
    }
}

impl Look {
    /// Colours a text, where there are colours.
    #[must_use]
    pub fn paint(&self, role: Role, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.into();
        }
        let style = role.style();
        format!("{style}{text}{style:#}")
    }

    /// Colours a function's name, cut to so many columns where it is longer.
    #[must_use]
    pub fn name(&self, name: &FrameName, columns: Option<usize>) -> String {
        let text = name.to_string();
        let text = match columns {
            Some(columns) => self.shorten(&text, columns),
            None => text.into(),
        };
        self.paint(Role::Function(name.kind()), &text)
    }

    /// A bar for a share of 0 to 1 of so many columns, as wide as that.
    #[must_use]
    pub fn bar(&self, share: f64, columns: usize) -> String {
        let share = share.clamp(0.0, 1.0);
        let bar = if self.unicode {
            let eighths = rounded(share * columns as f64 * 8.0);
            "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
        } else {
            "#".repeat(rounded(share * columns as f64))
        };
        pad(&bar, columns)
    }

    /// Cuts what is wider than so many columns out of the middle of a text: the ends of
    /// functions' names tell most.
    #[must_use]
    pub fn shorten<'a>(&self, text: &'a str, columns: usize) -> Cow<'a, str> {
        if width(text) <= columns {
            return text.into();
        }
        let ellipsis = if self.unicode { "…" } else { ".." };
        let room = columns.saturating_sub(width(ellipsis));
        let head = prefix(text.chars(), room.div_ceil(2));
        let tail: String = prefix(text.chars().rev(), room - width(&head));
        let tail: String = tail.chars().rev().collect();
        format!("{head}{ellipsis}{tail}").into()
    }
}

/// So many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Fills a text with spaces up to so many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// A share as a percentage, seven columns wide.
#[must_use]
pub fn percentage(share: f64) -> String {
    format!("{:6.1}%", share * 100.0)
}

fn prefix(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut taken = 0;
    chars
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken <= columns
        })
        .collect()
}

/// Rounds a small number that is not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is a number of columns"
)]
fn rounded(number: f64) -> usize {
    number.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNICODE: Look = Look {
        color: false,
        unicode: true,
        width: None,
    };

    /// Check that bars are as wide as they are told, in eighths where there are such.
    #[test]
    fn bars_are_drawn() {
        for (share, bar, ascii) in [
            (0.0, "    ", "    "),
            (0.25, "█   ", "#   "),
            (0.3, "█▎  ", "#   "),
            (0.999, "████", "####"),
            (7.0, "████", "####"),
            (f64::NAN, "    ", "    "),
        ] {
            assert_eq!(UNICODE.bar(share, 4), bar);
            assert_eq!(Look::default().bar(share, 4), ascii);
        }
    }

    /// Check that long names lose their middle, and that wide characters take two columns.
    #[test]
    fn names_are_shortened() {
        for (text, columns, expected) in [
            ("short", 5, "short"),
            ("a_long_name", 7, "a_l…ame"),
            ("日本語日本語", 7, "日…本語"),
            ("日本語", 6, "日本語"),
            ("abc", 1, "…"),
            ("abc", 0, "…"),
        ] {
            assert_eq!(UNICODE.shorten(text, columns), expected);
        }
        assert_eq!(Look::default().shorten("a_long_name", 7), "a_l..me");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    /// Check that there are colours only where they are wanted.
    #[test]
    fn colours_are_optional() {
        let colored = Look {
            color: true,
            ..UNICODE
        };
        assert_eq!(UNICODE.paint(Role::Grew, "x"), "x");
        assert_eq!(colored.paint(Role::Grew, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(colored.paint(Role::Grew, ""), "");
    }
}
