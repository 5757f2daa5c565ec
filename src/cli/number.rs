//! Numbers that options take.

use std::str::FromStr;

use clap::builder::TypedValueParser;

/// Reads a number; what is none is refused by what was expected.
pub(super) fn expected<T>(what: &'static str) -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
{
    move |text: &str| read::<T>(text, what)
}

fn read<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // the only reason to refuse digits
    let reason = if is_whole { "too large; " } else { "" };
    text.parse().map_err(|_| format!("{reason}expected {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check that what is no number is refused by what was expected.
    #[test]
    fn numbers_are_read() {
        for (text, expected) in [
            ("7", Ok(7)),
            ("", Err("expected a figure")),
            ("max", Err("expected a figure")),
            ("-1", Err("expected a figure")),
            ("1.5", Err("expected a figure")),
            ("4294967296", Err("too large; expected a figure")),
        ] {
            let read = read::<u32>(text, "a figure");
            assert_eq!(read, expected.map_err(str::to_owned), "{text}");
        }
        assert_eq!(read("0.5", "a figure"), Ok(0.5));
    }
}
