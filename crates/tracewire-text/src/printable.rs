//! Text from outside, made safe for a terminal or a log line.

use crate::cut::{CUT, first_chars};
use std::{borrow::Cow, fmt::Write as _};

/// Escapes everything in `text` that could move a cursor, or hide or reorder what is shown.
///
/// Line breaks and tabs become `\n`, `\r` and `\t`, other characters `\u{…}`. Which characters are
/// escaped is listed at [`is_unsafe`].
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
///
/// ```
/// assert_eq!(tracewire_text::shortened("one\ntwo three", 8), "one\\ntwo …");
/// ```
pub fn shortened(text: &str, limit: usize) -> String {
    let shown = first_chars(text, limit);
    let safe = printable(shown);
    if shown.len() == text.len() { safe.into_owned() } else { [&*safe, CUT].concat() }
}

/// Returns whether a terminal would obey this character, or a reader be misled by it.
///
/// These are control characters, line and paragraph separators, Unicode's `Bidi_Control` and
/// `Default_Ignorable_Code_Point` (invisible characters, fillers, variation selectors, tags), the
/// interlinear annotations, and noncharacters.
///
/// ```
/// use tracewire_text::is_unsafe;
///
/// assert!(is_unsafe('\x1b') && is_unsafe('\u{202e}')); // escape, right-to-left override
/// assert!(!is_unsafe('é'));
/// ```
pub fn is_unsafe(c: char) -> bool {
    // Most text is ASCII.
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let code = u32::from(c);
    let place = UNSAFE.partition_point(|&(_, last)| last < code);
    UNSAFE.get(place).is_some_and(|&(first, _)| first <= code) || code & 0xfffe == 0xfffe
}

/// First and last code points, in order. Those of the two properties are Unicode 16's, with the code
/// points reserved for them.
const UNSAFE: [(u32, u32); 20] = [
    (0x0000, 0x001f),
    (0x007f, 0x009f),
    (0x00ad, 0x00ad),
    (0x034f, 0x034f),
    (0x061c, 0x061c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfdd0, 0xfdef),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `Default_Ignorable_Code_Point` of Unicode's DerivedCoreProperties.txt.
    const DEFAULT_IGNORABLE: [(u32, u32); 17] = [
        (0x00ad, 0x00ad),
        (0x034f, 0x034f),
        (0x061c, 0x061c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1_bca0, 0x1_bca3),
        (0x1_d173, 0x1_d17a),
        (0xe_0000, 0xe_0fff),
    ];

    /// `Bidi_Control` of Unicode's PropList.txt.
    const BIDI_CONTROL: [(u32, u32); 4] =
        [(0x061c, 0x061c), (0x200e, 0x200f), (0x202a, 0x202e), (0x2066, 0x2069)];

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        for (raw, shown) in [
            ("plain", "plain"),
            ("größe ✓", "größe ✓"),
            ("日本語 العربية 👍🏽", "日本語 العربية 👍🏽"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}def", "abc\\u{202e}def"),
            ("a\u{e0041}b", "a\\u{e0041}b"),
        ] {
            assert_eq!(printable(raw), shown);
        }
    }

    #[test]
    fn everything_invisible_or_reordering_is_escaped_and_nothing_else() {
        let listed = |c: char| {
            let inside = |ranges: &[(u32, u32)]| {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
            };
            c.is_control()
                || inside(&DEFAULT_IGNORABLE)
                || inside(&BIDI_CONTROL)
                || inside(&[(0x2028, 0x2029), (0xfff9, 0xfffb), (0xfdd0, 0xfdef)])
                || u32::from(c) & 0xfffe == 0xfffe
        };
        for c in '\0'..=char::MAX {
            assert_eq!(is_unsafe(c), listed(c), "{:x}", u32::from(c));
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
