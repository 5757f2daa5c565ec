//! Colours and symbols, for terminals that have many, few or none.

use std::hash::{Hash as _, Hasher as _};

use ratatui::style::{Color, Modifier, Style};
use rustc_hash::FxHasher;

use crate::live::entries::{Entry, Kind};

/// How everything looks.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Which colours.
    pub palette: Palette,
    /// How many of them the terminal knows.
    pub depth: Depth,
    /// Which symbols.
    pub symbols: &'static Symbols,
}

/// Colours that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// For a dark background.
    Dark,
    /// For a light one.
    Light,
    /// None: bold, reversed and underlined only.
    Mono,
}

/// How many colours a terminal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of them.
    True,
    /// A cube of 216.
    Indexed,
    /// Sixteen.
    Basic,
}

/// What is drawn beside letters and digits.
#[derive(Debug, PartialEq, Eq)]
pub struct Symbols {
    /// Stands for what was cut.
    pub cut: &'static str,
    /// The left edge of a box.
    pub edge: &'static str,
    /// Boxes that are too narrow.
    pub narrow: &'static str,
    /// What can be unfolded, what can be folded, and neither.
    pub folds: [&'static str; 3],
    /// From nothing to everything, in height.
    pub levels: [&'static str; 9],
    /// From nothing to everything, in density.
    pub shades: [&'static str; 5],
    /// Between parts of a line.
    pub separator: &'static str,
    /// Sampling, paused, ended.
    pub states: [&'static str; 3],
    /// Falling, rising.
    pub orders: [&'static str; 2],
    /// What fills a box behind its name, by kind, where there are no colours.
    pub hatches: [&'static str; 7],
    /// From nothing to everything, in width.
    pub parts: &'static [&'static str],
}

/// For terminals that know UTF-8.
pub static UNICODE: Symbols = Symbols {
    cut: "…",
    edge: "▏",
    narrow: "░",
    folds: ["▸", "▾", " "],
    levels: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    shades: [" ", "░", "▒", "▓", "█"],
    separator: "│",
    states: ["●", "‖", "■"],
    orders: ["▼", "▲"],
    hatches: [" ", "·", "~", "*", "░", "^", "!"],
    parts: &["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
};

/// For the others.
pub static ASCII: Symbols = Symbols {
    cut: "~",
    edge: "|",
    narrow: ":",
    folds: ["+", "-", " "],
    levels: [" ", ".", ":", "-", "=", "+", "*", "#", "@"],
    shades: [" ", ".", ":", "+", "#"],
    separator: "|",
    states: ["*", "=", "#"],
    orders: ["v", "^"],
    hatches: [" ", ".", "~", "*", ":", "^", "!"],
    parts: &["", "#"],
};

type Rgb = (u8, u8, u8);

impl Theme {
    /// What fits the environment: `NO_COLOR`, `COLORTERM`, `TERM`, `COLORFGBG` and the locale.
    #[must_use]
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let terminal = value("TERM").unwrap_or_default();
        let is_true = value("COLORTERM").is_some_and(|it| it == "truecolor" || it == "24bit");
        let depth = if is_true {
            Depth::True
        } else if terminal.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Basic
        };
        // "foreground;background", and 7 or 15 is white
        let background = value("COLORFGBG").and_then(|it| it.rsplit(';').next()?.parse().ok());
        let palette = match background {
            _ if value("NO_COLOR").is_some() || terminal == "dumb" => Palette::Mono,
            Some(7 | 15_u8) => Palette::Light,
            _ => Palette::Dark,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
        let locale = locale.unwrap_or_default().to_lowercase();
        let is_unicode = locale.contains("utf-8") || locale.contains("utf8");
        Self {
            palette,
            depth,
            symbols: if is_unicode && terminal != "linux" {
                &UNICODE
            } else {
                &ASCII
            },
        }
    }

    /// The next theme, in a circle.
    pub fn next(&mut self) {
        self.palette = match self.palette {
            Palette::Dark => Palette::Light,
            Palette::Light => Palette::Mono,
            Palette::Mono => Palette::Dark,
        };
    }

    /// Ordinary text.
    #[must_use]
    pub fn plain(&self) -> Style {
        Style::new()
    }

    /// Text that matters less.
    #[must_use]
    pub fn dim(&self) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(self.color((150, 150, 150), Color::Gray)),
            Palette::Light => Style::new().fg(self.color((100, 100, 100), Color::DarkGray)),
            Palette::Mono => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Text that matters more.
    #[must_use]
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The line at the top.
    #[must_use]
    pub fn bar(&self) -> Style {
        match self.palette {
            Palette::Dark => self.on((225, 225, 225), (45, 60, 85), Color::White, Color::Blue),
            Palette::Light => self.on((20, 20, 20), (200, 215, 235), Color::Black, Color::Cyan),
            Palette::Mono => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// What is selected.
    #[must_use]
    pub fn selected(&self) -> Style {
        let style = match self.palette {
            Palette::Dark => self.on((0, 0, 0), (255, 255, 255), Color::Black, Color::White),
            Palette::Light => self.on((255, 255, 255), (30, 30, 30), Color::White, Color::Black),
            Palette::Mono => Style::new().add_modifier(Modifier::REVERSED),
        };
        style.add_modifier(Modifier::BOLD)
    }

    /// What matches a search.
    #[must_use]
    pub fn found(&self) -> Style {
        match self.palette {
            Palette::Mono => Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            _ => self.on((0, 0, 0), (215, 135, 255), Color::Black, Color::Magenta),
        }
    }

    /// What went wrong, or may mislead.
    #[must_use]
    pub fn warning(&self) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(self.color((255, 180, 80), Color::Yellow)),
            Palette::Light => Style::new().fg(self.color((165, 75, 0), Color::Red)),
            Palette::Mono => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// A box of an entry.
    #[must_use]
    pub fn filled(&self, entry: &Entry) -> Style {
        if self.palette == Palette::Mono {
            return Style::new();
        }
        let Some(function) = entry.function() else {
            return match self.palette {
                Palette::Light => self.on((0, 0, 0), (200, 205, 215), Color::Black, Color::Gray),
                _ => self.on((0, 0, 0), (160, 170, 190), Color::Black, Color::Gray),
            };
        };
        let mut hasher = FxHasher::default();
        function.name.hash(&mut hasher);
        // the upper bits of this hash are the better ones
        let shade = u8::try_from(hasher.finish() >> 60 & 3).expect("it is small") * 12;
        let (r, g, b) = fill(function.kind);
        let rgb = (
            r.saturating_sub(shade),
            g.saturating_sub(shade),
            b.saturating_sub(shade),
        );
        self.on((0, 0, 0), rgb, Color::Black, basic(function.kind))
    }

    /// The letter of a kind.
    #[must_use]
    pub fn letter(&self, kind: Kind) -> Style {
        match self.palette {
            Palette::Dark => Style::new().fg(self.color(fill(kind), basic(kind))),
            Palette::Light => {
                let (r, g, b) = fill(kind);
                let rgb = (r / 5 * 3, g / 5 * 3, b / 5 * 3);
                Style::new().fg(self.color(rgb, basic(kind)))
            }
            Palette::Mono => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// What fills the rest of a box.
    #[must_use]
    pub fn hatch(&self, entry: &Entry) -> &'static str {
        match entry.function() {
            Some(function) if self.palette == Palette::Mono => {
                self.symbols.hatches[function.kind as usize]
            }
            _ => " ",
        }
    }

    /// A cell of a heat map without colours of its own: nothing is 0, everything 1.
    #[must_use]
    pub fn heat(&self, share: f64, is_selected: bool) -> (Style, &'static str) {
        if let Some(color) = self.heat_color(share, is_selected) {
            return (Style::new().bg(color), " ");
        }
        let style = match (is_selected, self.palette) {
            (false, _) => Style::new(),
            (true, Palette::Mono) => Style::new().add_modifier(Modifier::REVERSED),
            (true, _) => Style::new().fg(Color::Cyan),
        };
        (style, shade(&self.symbols.shades, share))
    }

    /// The colour of a cell of a heat map, where the terminal has so many.
    #[must_use]
    pub fn heat_color(&self, share: f64, is_selected: bool) -> Option<Color> {
        if self.palette == Palette::Mono || self.depth == Depth::Basic {
            return None;
        }
        let share = share.clamp(0.0, 1.0);
        let (cold, hot): (Rgb, Rgb) = match (self.palette, is_selected) {
            (Palette::Light, false) => ((255, 250, 240), (190, 20, 0)),
            (Palette::Light, true) => ((205, 225, 255), (0, 40, 190)),
            (_, false) => ((38, 34, 44), (255, 100, 30)),
            (_, true) => ((30, 50, 100), (90, 190, 255)),
        };
        let mix = |a: u8, b: u8| {
            let value = f64::from(a) + (f64::from(b) - f64::from(a)) * share;
            // it lies between two of them
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let value = value as u8;
            value
        };
        let rgb = (mix(cold.0, hot.0), mix(cold.1, hot.1), mix(cold.2, hot.2));
        Some(self.color(rgb, Color::Red))
    }

    fn on(&self, front: Rgb, back: Rgb, basic_front: Color, basic_back: Color) -> Style {
        Style::new()
            .fg(self.color(front, basic_front))
            .bg(self.color(back, basic_back))
    }

    fn color(&self, (r, g, b): Rgb, basic: Color) -> Color {
        // 0, 95, 135, 175, 215, 255
        let step = |value: u8| (value.max(35) - 35) / 40;
        match self.depth {
            Depth::True => Color::Rgb(r, g, b),
            Depth::Indexed => Color::Indexed(16 + 36 * step(r) + 6 * step(g) + step(b)),
            Depth::Basic => basic,
        }
    }
}

/// Which of some symbols stands for a share.
#[must_use]
pub fn shade<'a>(symbols: &[&'a str], share: f64) -> &'a str {
    let last = symbols.len() - 1;
    // whatever is more than nothing is seen
    let at = (share.clamp(0.0, 1.0) * last as f64).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let at = at as usize;
    symbols[at.min(last)]
}

fn fill(kind: Kind) -> Rgb {
    match kind {
        Kind::Program => (240, 125, 105),
        Kind::Library => (240, 210, 105),
        Kind::Inlined => (115, 210, 210),
        Kind::Jit => (125, 215, 115),
        Kind::Kernel => (205, 165, 240),
        Kind::Waker => (140, 180, 245),
        Kind::Reason => (185, 185, 185),
    }
}

fn basic(kind: Kind) -> Color {
    match kind {
        Kind::Program => Color::Red,
        Kind::Library => Color::Yellow,
        Kind::Inlined => Color::Cyan,
        Kind::Jit => Color::Green,
        Kind::Kernel => Color::Magenta,
        Kind::Waker => Color::LightBlue,
        Kind::Reason => Color::Gray,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(variables: &[(&str, &str)]) -> (Palette, Depth, bool) {
        let theme = Theme::of_environment(|name| {
            let found = variables.iter().find(|(other, _)| *other == name)?;
            Some(found.1.to_owned())
        });
        (theme.palette, theme.depth, theme.symbols == &UNICODE)
    }

    /// Check what environments are understood to want.
    #[test]
    fn environment_is_understood() {
        let xterm = ("TERM", "xterm-256color");
        for (variables, expected) in [
            (&[][..], (Palette::Dark, Depth::Basic, false)),
            (
                &[xterm, ("LANG", "C.UTF-8")],
                (Palette::Dark, Depth::Indexed, true),
            ),
            (
                &[("COLORTERM", "truecolor")],
                (Palette::Dark, Depth::True, false),
            ),
            (
                &[xterm, ("NO_COLOR", "1")],
                (Palette::Mono, Depth::Indexed, false),
            ),
            (
                &[("COLORFGBG", "0;15")],
                (Palette::Light, Depth::Basic, false),
            ),
            (
                &[("LANG", "en_US.utf8"), ("LC_ALL", "C")],
                (Palette::Dark, Depth::Basic, false),
            ),
        ] {
            assert_eq!(theme(variables), expected, "{variables:?}");
        }
    }

    /// Check that every kind can be told apart without colours, and has a colour of its own.
    #[test]
    fn kinds_are_distinct() {
        for symbols in [&UNICODE, &ASCII] {
            let hatches: std::collections::HashSet<_> = symbols.hatches.iter().collect();
            assert_eq!(hatches.len(), Kind::ALL.len());
        }
        let letters: std::collections::HashSet<_> = Kind::ALL.map(Kind::letter).into();
        let colors: std::collections::HashSet<_> = Kind::ALL.map(basic).into();
        assert_eq!((letters.len(), colors.len()), (7, 7));
    }
}
