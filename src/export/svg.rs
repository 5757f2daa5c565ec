//! Flame graphs, drawn by inferno.

use std::io::{self, Write};

use inferno::flamegraph::{
    self, Palette, TextTruncateDirection,
    color::{BackgroundColor, MultiPalette},
};

use super::{Options, Subject, folded};

/// What is drawn where there is nothing to draw.
const EMPTY: &str = r#"<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="400" height="40" xmlns="http://www.w3.org/2000/svg">
<text x="10" y="25" font-family="monospace">no samples</text>
</svg>
"#;

/// Draws a flame graph.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    let title = options.title.as_ref().unwrap_or(&subject.header.target);
    let lines = folded::lines(subject.selection);
    draw(&lines, title, subject.remark, to)
}

/// Draws folded lines, which must be sorted.
fn draw(lines: &[String], title: &str, subtitle: &str, to: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return to.write_all(EMPTY.as_bytes());
    }
    let mut options = flamegraph::Options::default();
    options.title = title.into();
    options.subtitle = Some(subtitle.into());
    options.colors = Palette::Multi(MultiPalette::Java);
    options.bgcolors = Some(BackgroundColor::Grey);
    options.hash = true;
    options.text_truncate_direction = TextTruncateDirection::Right;
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), to)
}

#[cfg(test)]
mod tests {
    fn draw(lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let mut svg = Vec::new();
        super::draw(&lines, "a <title>", "how", &mut svg).expect("memory takes everything");
        String::from_utf8(svg).expect("it is text")
    }

    /// Check that frames, title and subtitle are in the picture, escaped.
    #[test]
    fn frames_are_drawn() {
        let svg = draw(&["a;b<T> 3", "a;c_[k] 1"]);
        for expected in [
            "a &lt;title&gt;",
            "how",
            "b&lt;T&gt; (3 samples, 75",
            "c (1 samples, 25",
        ] {
            assert!(svg.contains(expected), "{expected} is not in {svg}");
        }
    }

    /// Check that an empty profile is a picture too.
    #[test]
    fn nothing_is_drawn() {
        assert!(draw(&[]).contains("no samples"));
    }
}
