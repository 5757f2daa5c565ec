//! Flame graphs, drawn by inferno.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{self, Write};

use inferno::flamegraph::{self, Direction, TextTruncateDirection, color::BackgroundColor};

use super::colors::{self, Colors};
use super::{Options, Subject, folded};
use crate::event::Weight;
use crate::profile::header::Unit;
use crate::view::merged::{Merged, Order};
use crate::view::selection::Selection;

/// What is drawn where there is nothing to draw.
const EMPTY: &str = r#"<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="400" height="40" xmlns="http://www.w3.org/2000/svg">
<text x="10" y="25" font-family="monospace">no samples</text>
</svg>
"#;

/// Draws a flame graph, or a flame chart.
///
/// # Errors
/// Whatever the writer gives.
pub fn write(subject: &Subject<'_>, options: &Options, to: &mut dyn Write) -> io::Result<()> {
    if subject.selection.total() == Weight(0) {
        return to.write_all(EMPTY.as_bytes());
    }
    let mut palette = colors::by_kind(subject.selection);
    let mut settings = settings(subject, options);
    match options.colors {
        Colors::Kind => settings.palette_map = Some(&mut palette),
        Colors::Palette(palette) => settings.colors = palette,
    }
    let lines = if options.flamechart {
        // inferno draws charts from their last line on
        let stacks = folded::in_time(subject.selection);
        stacks.iter().rev().map(line).collect()
    } else {
        merged(subject.selection, options)
    };
    flamegraph::from_lines(&mut settings, lines.iter().map(String::as_str), to)
}

fn settings<'a>(subject: &Subject<'_>, options: &Options) -> flamegraph::Options<'a> {
    let mut settings = flamegraph::Options::default();
    settings.title = subject.title(options).into();
    settings.subtitle = Some(subject.remark.into());
    settings.bgcolors = Some(BackgroundColor::Grey);
    settings.hash = true;
    settings.text_truncate_direction = TextTruncateDirection::Right;
    settings.flame_chart = options.flamechart;
    settings.image_width = options.width;
    settings.min_width = options.min_width;
    settings.count_name = match subject.unit() {
        Unit::Samples => "samples".into(),
        Unit::Nanoseconds => "ns".into(),
    };
    if options.icicle {
        settings.direction = Direction::Inverted;
    }
    settings
}

/// Makes the lines of stacks; what is too narrow to be drawn is left to its callers, which
/// is most of a large profile.
fn merged(selection: &Selection<'_>, options: &Options) -> Vec<String> {
    let order = if options.reverse {
        Order::FromLeaf
    } else {
        Order::FromRoot
    };
    let merged = Merged::new(selection, order);
    // rounding is inferno's business
    let least = merged.total().0 as f64 * options.min_width / 100.0 * 0.9;
    let mut known: HashMap<String, String> = HashMap::new();
    let mut lines = Vec::new();
    let all: Result<(), Infallible> = merged.each(least, &mut |stack| {
        let mut text = String::new();
        for name in stack.names {
            let name = known
                .entry((*name).to_owned())
                .or_insert_with(|| unbroken(name));
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(name);
        }
        if text.is_empty() {
            text.push_str(folded::EMPTY);
        }
        lines.push(format!("{text} {}", stack.weight.0));
        Ok(())
    });
    let Ok(()) = all;
    lines
}

/// Makes a line in which inferno takes nothing but the last number for the weight.
fn line((stack, weight): &(String, u64)) -> String {
    let names: Vec<_> = stack.split(';').map(unbroken).collect();
    format!("{} {weight}", names.join(";"))
}

/// A name that inferno takes neither for a comment nor for one with a weight: where it
/// would, a blank becomes one that does not break.
pub(super) fn unbroken(name: &str) -> String {
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut name = name.trim().to_owned();
    let last = name.rfind(' ').filter(|&at| is_number(&name[at + 1..]));
    let first = name.starts_with("# ").then_some(1);
    for at in [last, first].into_iter().flatten() {
        name.replace_range(at..=at, "\u{a0}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fixture::Fixture;
    use crate::view::selection::Group;

    fn draw(fixture: &Fixture, options: &Options) -> String {
        let mut svg = Vec::new();
        fixture
            .subject(|subject| write(subject, options, &mut svg))
            .expect("memory takes everything");
        String::from_utf8(svg).expect("it is text")
    }

    /// The horizontal place of a frame, in percent.
    fn x(svg: &str, title: &str) -> f64 {
        let (_, after) = svg.split_once(&format!("<title>{title}")).expect(title);
        let (_, after) = after.split_once("<rect x=\"").expect("it has a rectangle");
        let (x, _) = after.split_once('%').expect("it is in percent");
        x.parse().expect("it is a number")
    }

    /// Check that frames, title and subtitle are in the picture, escaped.
    #[test]
    fn frames_are_drawn() {
        let mut fixture = Fixture::new();
        fixture.header.target = "a <title>".into();
        fixture.add("b<T>").add("b<T>").add("b<T>").add("c_[k]");
        let svg = draw(&fixture, &Options::default());
        for expected in [
            "a &lt;title&gt;",
            "by hand",
            "b&lt;T&gt; (3 samples, 75",
            "c (1 samples, 25",
        ] {
            assert!(svg.contains(expected), "{expected} is not in {svg}");
        }
    }

    /// Check that an empty profile is a picture too, and one whose weights are all zero.
    #[test]
    fn nothing_is_drawn() {
        let mut fixture = Fixture::new();
        assert!(draw(&fixture, &Options::default()).contains("no samples"));
        fixture.add_of("prog", 1, 1, 0, "main");
        assert!(draw(&fixture, &Options::default()).contains("no samples"));
    }

    /// Check that what looks like a second weight or a comment is drawn.
    #[test]
    fn numbers_in_names_are_no_weights() {
        for reverse in [false, true] {
            let mut fixture = Fixture::new();
            fixture.group = Group::Thread;
            fixture.add("main;f 12").add("");
            fixture.add_of("# x", 100, 100, 1, "main");
            let options = Options {
                reverse,
                ..Options::default()
            };
            let svg = draw(&fixture, &options);
            assert!(svg.contains("total_samples=\"3\""), "{svg}");
            for name in ["f\u{a0}12", "prog\u{a0}100", "#\u{a0}x"] {
                assert!(svg.contains(&format!("<title>{name}")), "{name} in {svg}");
            }
        }
    }

    /// Check that a flame chart goes from left to right, and does not merge over time.
    #[test]
    fn chart_is_in_order_of_time() {
        let mut fixture = Fixture::new();
        fixture.add("z").add("z").add("a").add("m");
        let options = Options {
            flamechart: true,
            ..Options::default()
        };
        let svg = draw(&fixture, &options);
        assert!(x(&svg, "z (2 samples") < x(&svg, "a (1 samples"), "{svg}");
        assert!(x(&svg, "a (1 samples") < x(&svg, "m (1 samples"), "{svg}");
    }

    /// Check that options reach the picture.
    #[test]
    fn options_are_obeyed() {
        let mut fixture = Fixture::new();
        for _ in 0..99 {
            fixture.add("main;wide");
        }
        fixture.add("main;narrow");
        let plain = draw(&fixture, &Options::default());
        let options = Options {
            title: Some("mine".into()),
            width: Some(777),
            min_width: 5.0,
            icicle: true,
            ..Options::default()
        };
        let svg = draw(&fixture, &options);
        assert!(
            svg.contains(">mine<") && svg.contains("width=\"777\""),
            "{svg}"
        );
        assert!(plain.contains("narrow") && !svg.contains("narrow"), "{svg}");
        assert!(svg.contains("inverted = true") && plain.contains("inverted = false"));

        fixture.header.events[0].unit = Unit::Nanoseconds;
        assert!(draw(&fixture, &options).contains("wide (99 ns"));
    }
}
