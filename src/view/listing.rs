//! The parts of a long list that have samples, with what is around them.

/// A row of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The entry at this position.
    Entry(usize),
    /// So many entries that are not shown.
    Gap(usize),
}

/// Lists entries that have samples and so many around each; gaps between them are counted,
/// and one entry alone is no gap. What is before the first and after the last is no row.
#[must_use]
pub fn rows(has_samples: &[bool], around: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut next = None;
    for (position, _) in has_samples.iter().enumerate().filter(|(_, has)| **has) {
        let from = position.saturating_sub(around);
        let from = match next {
            None => from,
            Some(next) if from <= next + 1 => next,
            Some(next) => {
                rows.push(Row::Gap(from - next));
                from
            }
        };
        let to = (position + around + 1).min(has_samples.len());
        rows.extend((from..to).map(Row::Entry));
        next = Some(to);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(has_samples: &str, around: usize) -> String {
        let has: Vec<_> = has_samples.chars().map(|c| c == 'x').collect();
        rows(&has, around)
            .iter()
            .map(|row| match row {
                Row::Entry(position) => position.to_string(),
                Row::Gap(count) => format!("({count})"),
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Check what is listed around samples, and what is left out.
    #[test]
    fn parts_are_listed() {
        for (has_samples, around, expected) in [
            ("", 2, ""),
            ("...", 2, ""),
            ("x", 2, "0"),
            ("....x....", 2, "2 3 4 5 6"),
            ("xx..x", 0, "0 1 (2) 4"),
            ("x...x", 1, "0 1 2 3 4"),
            ("x......x", 2, "0 1 2 (2) 5 6 7"),
            ("x.x", 2, "0 1 2"),
        ] {
            assert_eq!(text(has_samples, around), expected, "{has_samples}");
        }
    }
}
