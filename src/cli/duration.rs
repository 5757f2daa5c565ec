//! Durations as people write them: `10s`, `1.5s`, `500ms`, `2m`, `100us`, or seconds.

use std::time::Duration;

const UNITS: [(&str, f64); 6] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

const EXPECTED: &str = "expected a number from 0 on, with ns, us, ms, s, m or h";

/// Longer ones are mistakes, and would overflow a clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Reads a duration.
///
/// # Errors
/// What is wrong with it, for clap to show.
pub fn parse(text: &str) -> Result<Duration, String> {
    let (number, scale) = UNITS
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, *scale)))
        .unwrap_or((text, 1.0));
    let number: f64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
    match Duration::try_from_secs_f64(number * scale) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ if number > 0.0 => Err("longer than a hundred years".into()),
        _ => Err(EXPECTED.into()),
    }
}

/// Reads a duration that is nothing or has its unit: where it is usually far below a second,
/// a bare number is not meant in seconds.
///
/// # Errors
/// What is wrong with it, for clap to show.
pub fn parse_with_unit(text: &str) -> Result<Duration, String> {
    let duration = parse(text)?;
    let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    if has_unit || duration.is_zero() {
        Ok(duration)
    } else {
        Err("expected a unit, as 100us: ns, us, ms, s, m or h".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that units are understood, and a bare number is seconds.
    #[test]
    fn units_are_understood() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("2", 2_000),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("4000us", 4),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in ["", "s", "x", "-1s", "1d", "NaN", "1e400s", "1e19"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// Check that what is refused is refused in the terms of the option.
    #[test]
    fn refusals_say_what_is_expected() {
        for (text, why) in [
            ("soon", EXPECTED),
            ("-1s", EXPECTED),
            ("NaN", EXPECTED),
            ("1e19", "longer than a hundred years"),
            ("infs", "longer than a hundred years"),
        ] {
            assert_eq!(parse(text), Err(why.into()), "{text}");
        }
    }

    /// Check that a number that is not nothing needs a unit where that is asked for.
    #[test]
    fn units_are_asked_for() {
        for (text, micros) in [("100us", 100), ("1ms", 1000), ("0", 0), ("0us", 0)] {
            let expected = Ok(Duration::from_micros(micros));
            assert_eq!(parse_with_unit(text), expected, "{text}");
        }
        let why = parse_with_unit("100").expect_err("it has none");
        assert!(why.contains("100us"), "{why}");
        assert_eq!(parse_with_unit("./work"), Err(EXPECTED.into()));
    }
}
