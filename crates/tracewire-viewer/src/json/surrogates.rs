//! Halves of surrogate pairs in JSON.
//!
//! JavaScript's strings may end in the middle of a character, and `JSON.stringify` writes such a half as
//! `\ud83d`. No Rust string can hold it, so that one cut value would cost a whole batch.

use std::borrow::Cow;

/// The length of `\ud83d`.
const ESCAPE: usize = 6;
const REPLACEMENT: &[u8] = br"\ufffd";

/// Replaces halves of surrogate pairs that stand alone by U+FFFD.
pub(super) fn replace_lone(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(json);
    let mut place = 0;
    while let Some(found) = json[place..].iter().position(|byte| *byte == b'\\') {
        place += found;
        match unit(json, place) {
            Some(0xd800..=0xdbff)
                if matches!(unit(json, place + ESCAPE), Some(0xdc00..=0xdfff)) =>
            {
                place += 2 * ESCAPE;
            }
            Some(0xd800..=0xdfff) => {
                mended.to_mut()[place..place + ESCAPE].copy_from_slice(REPLACEMENT);
                place += ESCAPE;
            }
            Some(_) => place += ESCAPE,
            // The character after it may be a backslash, too.
            None => place = (place + 2).min(json.len()),
        }
    }
    mended
}

/// Reads the UTF-16 unit of an escape at this place.
fn unit(json: &[u8], place: usize) -> Option<u16> {
    let escape = json.get(place..place + ESCAPE)?;
    let digits = escape.strip_prefix(br"\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lone_halves_are_replaced_and_pairs_stay() {
        for (json, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""a\ud83d""#, r#""a\ufffd""#),
            (r#""\uD83D\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\n\"\u00e4""#, r#""\n\"\u00e4""#),
            (r#""\ud8"#, r#""\ud8"#),
            ("\\", "\\"),
        ] {
            assert_eq!(replace_lone(json.as_bytes()), expected.as_bytes(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_string_of_javascript_is_read(units in proptest::collection::vec(any::<u16>(), 0..40)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let mended = replace_lone(format!("\"{escapes}\"").as_bytes()).into_owned();
            let read: String = serde_json::from_slice(&mended).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn what_is_json_stays_as_it_is(text: String) {
            let json = serde_json::to_vec(&text).unwrap();
            prop_assert_eq!(&*replace_lone(&json), &json[..]);
        }
    }
}
