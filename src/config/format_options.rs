//! How profiles are written.

use crate::cli::format_options::FormatOptions;
use crate::error::{Error, Result};
use crate::export::Options;
use crate::export::colors::Colors;
use crate::text;

/// Less leaves no room for text, more no viewer shows.
const WIDTHS: std::ops::RangeInclusive<usize> = 200..=100_000;

/// Validates what was typed.
///
/// # Errors
/// Usage errors that name the value.
pub(super) fn options(typed: FormatOptions) -> Result<Options> {
    let default = Options::default();
    Ok(Options {
        title: typed.title.as_deref().map(text::clean),
        width: typed.width.map(width).transpose()?,
        colors: typed
            .colors
            .map_or(Ok(default.colors), |name| colors(&name))?,
        min_width: typed.min_width.map_or(Ok(default.min_width), min_width)?,
        icicle: typed.icicle,
        flamechart: typed.flamechart,
        reverse: typed.reverse,
        ..default
    })
}

fn width(pixels: usize) -> Result<usize> {
    if !WIDTHS.contains(&pixels) {
        return Err(Error::usage(format!(
            "--width must be from {} to {}",
            WIDTHS.start(),
            WIDTHS.end()
        )));
    }
    Ok(pixels)
}

fn colors(name: &str) -> Result<Colors> {
    Colors::of_name(name).ok_or_else(|| {
        let known: Vec<_> = Colors::names().collect();
        Error::usage(format!("unknown palette `{name}`"))
            .with_hint(format!("use one of {}", known.join(", ")))
    })
}

fn min_width(percent: f64) -> Result<f64> {
    if !(0.0..100.0).contains(&percent) {
        return Err(Error::usage("--min-width must be from 0 to below 100"));
    }
    Ok(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that what is not typed has its default, and what is typed arrives.
    #[test]
    fn options_are_validated() {
        let plain = options(FormatOptions::default()).expect("it is valid");
        assert_eq!(plain, Options::default());
        let typed = FormatOptions {
            title: Some("t".into()),
            width: Some(800),
            colors: Some("java".into()),
            min_width: Some(0.5),
            ..FormatOptions::default()
        };
        let options = options(typed).expect("it is valid");
        assert_eq!((options.width, options.min_width), (Some(800), 0.5));
        assert_ne!(options.colors, Colors::Kind);
    }

    /// Check that what cannot be drawn is refused with exit status 2.
    #[test]
    fn nonsense_is_refused() {
        for typed in [
            FormatOptions {
                width: Some(19),
                ..FormatOptions::default()
            },
            FormatOptions {
                colors: Some("mauve".into()),
                ..FormatOptions::default()
            },
            FormatOptions {
                min_width: Some(f64::NAN),
                ..FormatOptions::default()
            },
        ] {
            let error = options(typed.clone()).expect_err(&format!("{typed:?}"));
            assert_eq!(error.kind().exit_status(), 2, "{typed:?}");
        }
    }
}
