//! Where everything is on the terminal.

use ratatui::layout::{Rect, Size};

/// What fits nothing.
pub const LEAST: Size = Size::new(40, 10);

/// Parts of the terminal, from above; some are empty where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// What is sampled, and how it goes.
    pub header: Rect,
    /// The screens.
    pub tabs: Rect,
    /// What is shown of what was sampled.
    pub settings: Rect,
    /// The screen.
    pub body: Rect,
    /// What is selected.
    pub details: Rect,
    /// The most important keys.
    pub hints: Rect,
}

impl Areas {
    /// Divides a terminal of a size.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let (tabs, settings, hints) = match size.height {
            0..14 => (0, 0, 0),
            14..20 => (1, 0, 0),
            20.. => (1, 1, 1),
        };
        let mut y = 0;
        let mut take = |height: u16| {
            let height = height.min(size.height.saturating_sub(y));
            let area = Rect::new(0, y, size.width, height);
            y += height;
            area
        };
        let body = size.height.saturating_sub(2 + tabs + settings + hints);
        Self {
            header: take(1),
            tabs: take(tabs),
            settings: take(settings),
            body: take(body),
            details: take(1),
            hints: take(hints),
        }
    }
}

/// Whether a terminal is large enough.
#[must_use]
pub fn is_enough(size: Size) -> bool {
    size.width >= LEAST.width && size.height >= LEAST.height
}

/// The first line of a list to show, so that the selected one is seen.
#[must_use]
pub fn first_line(first: usize, selected: usize, height: usize, count: usize) -> usize {
    let height = height.max(1);
    let last = count.saturating_sub(height);
    let first = first
        .min(selected)
        .max((selected + 1).saturating_sub(height));
    first.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that the parts cover the terminal, in any size.
    #[test]
    fn areas_cover_the_terminal() {
        for height in 0..120 {
            let areas = Areas::of(Size::new(80, height));
            let parts = [
                areas.header,
                areas.tabs,
                areas.settings,
                areas.body,
                areas.details,
                areas.hints,
            ];
            let sum: u16 = parts.iter().map(|area| area.height).sum();
            assert_eq!(sum, height);
        }
        assert_eq!(Areas::of(LEAST).body.height, 8);
    }

    /// Check that the selected line is among those that are shown.
    #[test]
    fn selected_line_is_shown() {
        for (first, selected, height, count, expected) in [
            (0, 0, 5, 20, 0),
            (0, 7, 5, 20, 3),
            (9, 7, 5, 20, 7),
            (9, 7, 5, 8, 3),
            (3, 0, 5, 0, 0),
            (0, 3, 0, 9, 3),
        ] {
            assert_eq!(first_line(first, selected, height, count), expected);
        }
    }
}
