//! Names and texts cut to a limit, and marked.

use crate::urls;
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// Longest name of a span, an event or an attribute, in bytes.
const NAME: usize = 256;

/// Longest text of an attribute, a message or a description, in bytes.
const TEXT: usize = 4096;

/// Ends a text that was cut, within the limit.
const CUT: &str = "…";

/// A name within its limit.
pub(crate) fn name(name: Cow<'static, str>) -> Cow<'static, str> {
    match cut(&name, NAME) {
        Some(short) => Cow::Owned(short),
        None => name,
    }
}

/// An attribute with its key and its texts within their limits.
pub(crate) fn attribute(mut attribute: KeyValue) -> KeyValue {
    if let Some(short) = cut(attribute.key.as_str(), NAME) {
        attribute.key = Key::from(short);
    }
    match &mut attribute.value {
        Value::String(text) => shorten(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(shorten),
        _ => {}
    }
    attribute
}

/// A text within its limit.
pub(crate) fn text(text: Cow<'static, str>) -> Cow<'static, str> {
    match cut(&text, TEXT) {
        Some(short) => Cow::Owned(short),
        None => text,
    }
}

/// What an error or a panic displays, written no further than the limit, without the secrets of the
/// URLs in it.
pub(crate) fn display(value: &(impl Display + ?Sized)) -> String {
    let mut limited = Limited(String::new());
    // An error is the limit reached, or a `Display` that gave up: what was written so far counts.
    let _ = write!(limited, "{value}");
    let redacted = urls::redacted(&limited.0, limited.0.len() > TEXT);
    cut(&redacted, TEXT).unwrap_or_else(|| redacted.into_owned())
}

/// Takes one character more than the limit, so that a cut can be told from a fit.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (TEXT + 1).saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let mut end = room;
        while !text.is_char_boundary(end) {
            end += 1;
        }
        self.0.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

fn shorten(text: &mut StringValue) {
    if let Some(short) = cut(text.as_str(), TEXT) {
        *text = StringValue::from(short);
    }
}

/// The text cut at a character and marked, or `None` if it fits.
fn cut(text: &str, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return None;
    }
    let mut end = limit - CUT.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = String::with_capacity(end + CUT.len());
    short.push_str(&text[..end]);
    short.push_str(CUT);
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_untouched() {
        assert_eq!(cut("abc", 3), None);
        let fits = "a".repeat(TEXT);
        assert_eq!(display(&fits), fits);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        assert_eq!(cut("abcdef", 5).as_deref(), Some("ab…"));
        assert_eq!(cut("aéééé", 5).as_deref(), Some("a…"));
        assert_eq!(display(&"é".repeat(TEXT)).len(), TEXT - 1);
    }

    #[test]
    fn keys_and_the_texts_of_an_array_have_limits() {
        let long = "x".repeat(TEXT + 1);
        let array = Value::Array(vec![StringValue::from(long), "y".into()].into());
        let attribute = attribute(KeyValue::new("k".repeat(NAME + 1), array));
        assert_eq!(attribute.key.as_str().len(), NAME);
        let Value::Array(Array::String(texts)) = attribute.value else { panic!("an array") };
        assert_eq!(texts[0].as_str().len(), TEXT);
        assert_eq!(texts[1].as_str(), "y");
    }

    #[test]
    fn an_endless_display_is_not_read_to_its_end() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("on and ")?;
                }
            }
        }
        let text = display(&Endless);
        assert!(text.len() <= TEXT && text.ends_with(CUT), "{}", text.len());
    }

    proptest! {
        #[test]
        fn no_text_exceeds_its_limit(text in ".{0,40}", limit in 3usize..50) {
            match cut(&text, limit) {
                None => prop_assert!(text.len() <= limit),
                Some(short) => {
                    prop_assert!(short.len() <= limit && text.len() > limit);
                    prop_assert!(short.ends_with(CUT));
                }
            }
        }
    }
}
