//! Text from outside, made safe to show, and counts in words.

use std::fmt::Display;

/// Says how many there are of what has an ordinary plural: `1 thread`, `2 threads`.
#[must_use]
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Replaces what a terminal would obey or XML refuse: control characters,
/// direction marks and non-characters become `?`.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_safe(c) { c } else { '?' })
        .collect()
}

fn is_safe(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::Fuzz;

    /// Check that one is not many, and none is.
    #[test]
    fn counts_have_their_form() {
        assert_eq!(counted(0_u64, "thread"), "0 threads");
        assert_eq!(counted(1_usize, "kernel function"), "1 kernel function");
        assert_eq!(counted(2_u64, "thread"), "2 threads");
    }

    /// Check that nothing that a terminal obeys is left, and letters of any script are.
    #[test]
    fn text_is_cleaned() {
        assert_eq!(clean("b\x1b[31m\nc\u{9b}d\u{202e}"), "b?[31m?c?d?");
        assert_eq!(clean("naïve;日本"), "naïve;日本");
    }

    /// Check that no text has anything left that a terminal obeys, however it is read as bytes.
    #[test]
    fn damage_is_harmless() {
        let text = "b\x1b[31m\n\u{9b}d\u{202e} naïve;日本\u{ffff}";
        Fuzz::of(&[text.as_bytes()]).run(|bytes| {
            let cleaned = clean(&String::from_utf8_lossy(bytes));
            assert!(!cleaned.bytes().any(|byte| byte < b' ' || byte == 0x7f));
            assert!(cleaned.chars().all(is_safe));
            assert_eq!(clean(&cleaned), cleaned);
        });
    }
}
