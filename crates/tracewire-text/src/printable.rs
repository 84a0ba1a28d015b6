//! Text from outside, made safe for a terminal or a log line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes everything in `text` that could move a cursor, hide or reorder what is shown.
///
/// Line breaks and tabs become `\n`, `\r` and `\t`, other characters `\u{…}`.
///
/// ```
/// assert_eq!(tracewire_text::printable("\u{1b}[31mred"), "\\u{1b}[31mred");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Keeps at most `limit` characters of `text`, with `…` in place of the rest, and makes them
/// [printable].
pub fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}

/// Whether a terminal would obey this character, or a reader be misled by it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        // Zero-width, line separators, and the marks that turn the direction of text.
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        for (raw, shown) in [
            ("plain", "plain"),
            ("größe ✓", "größe ✓"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}def", "abc\\u{202e}def"),
        ] {
            assert_eq!(printable(raw), shown);
        }
    }

    #[test]
    fn shortened_counts_characters_and_marks_the_cut() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äöü…");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_survives(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unsafe));
        }
    }
}
