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
    let number: f64 = number
        .parse()
        .map_err(|_| "expected a number with ns, us, ms, s, m or h".to_owned())?;
    match Duration::try_from_secs_f64(number * scale) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) => Err("longer than a hundred years".into()),
        Err(error) => Err(error.to_string()),
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
        for text in ["", "s", "x", "-1s", "1d", "1e400s", "1e19"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
