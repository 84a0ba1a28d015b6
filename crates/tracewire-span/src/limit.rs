//! Names and texts cut to a limit, and marked.

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use std::{borrow::Cow, fmt::Display};
use tracewire_text::cut;

/// Longest name of a span, an event or an attribute, in bytes.
const NAME: usize = 256;

/// Longest text of an attribute, a message or a description, in bytes.
const TEXT: usize = 4096;

/// A name within its limit.
pub(crate) fn name(name: Cow<'static, str>) -> Cow<'static, str> {
    // Nearly all fit, and to move them through one more function costs more than to look.
    if name.len() <= NAME { name } else { cut(name, NAME) }
}

/// An attribute with its key and its texts within their limits.
pub(crate) fn attribute(mut attribute: KeyValue) -> KeyValue {
    if attribute.key.as_str().len() > NAME {
        attribute.key = Key::from(cut(attribute.key.as_str(), NAME).into_owned());
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
    cut(text, TEXT)
}

/// What an error or a panic displays, written no further than the limit, without the secrets in it.
pub(crate) fn display(value: &(impl Display + ?Sized)) -> String {
    tracewire_text::display(value, TEXT)
}

fn shorten(text: &mut StringValue) {
    if text.as_str().len() > TEXT {
        *text = StringValue::from(cut(text.as_str(), TEXT).into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        assert_eq!(name("a".repeat(NAME).into()), "a".repeat(NAME));
        assert_eq!(text("é".repeat(TEXT).into()).len(), TEXT - 1);
        assert_eq!(display("é".repeat(TEXT).as_str()).len(), TEXT - 1);
        assert_eq!(display("a".repeat(TEXT).as_str()), "a".repeat(TEXT));
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
}
