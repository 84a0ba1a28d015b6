//! The longest attribute value of a span.
//!
//! The SDK counts attributes, events and links; the length of values it leaves alone, so that is
//! done here, before a span waits in a queue.

use opentelemetry::{Array, KeyValue, StringValue, Value, trace::Status};
use opentelemetry_sdk::trace::SpanData;
use tracewire_text::cut::first_chars;

/// The longest attribute value, in characters; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueLength(pub(crate) Option<usize>);

impl ValueLength {
    /// Cuts every string among the attributes of the span, its events and its links, and the
    /// description of its status, which holds the same text as `exception.message`.
    pub(crate) fn apply(self, span: &mut SpanData) {
        let Some(limit) = self.0 else { return };
        if let Status::Error { description } = &mut span.status {
            let shown = first_chars(description, limit);
            if shown.len() < description.len() {
                *description = shown.to_owned().into();
            }
        }
        cut_all(&mut span.attributes, limit);
        for event in &mut span.events.events {
            cut_all(&mut event.attributes, limit);
        }
        for link in &mut span.links.links {
            cut_all(&mut link.attributes, limit);
        }
    }
}

fn cut_all(attributes: &mut [KeyValue], limit: usize) {
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => cut(text, limit),
            Value::Array(Array::String(texts)) => {
                for text in texts {
                    cut(text, limit);
                }
            }
            _ => {}
        }
    }
}

/// Keeps the first `limit` characters; the text is copied, so that nothing longer stays in memory.
fn cut(text: &mut StringValue, limit: usize) {
    let shown = first_chars(text.as_str(), limit);
    if shown.len() < text.as_str().len() {
        *text = StringValue::from(shown.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_characters_and_only_strings() {
        let mut attributes = [
            KeyValue::new("ascii", "abcdef"),
            KeyValue::new("wide", "äöüß"),
            KeyValue::new("short", "ab"),
            KeyValue::new("number", 123_456),
            KeyValue::new("list", Value::Array(Array::String(vec!["abcdef".into(), "a".into()]))),
        ];
        cut_all(&mut attributes, 3);
        assert_eq!(
            attributes.map(|attribute| attribute.value),
            [
                Value::from("abc"),
                Value::from("äöü"),
                Value::from("ab"),
                Value::I64(123_456),
                Value::Array(Array::String(vec!["abc".into(), "a".into()])),
            ]
        );
    }

    #[test]
    fn the_description_of_a_status_is_cut_like_a_value() {
        use crate::sample::Sample;
        for (limit, expected) in
            [(Some(5), "äöü n"), (Some(100), "äöü no luck"), (None, "äöü no luck")]
        {
            let mut span = Sample::new(1).error("äöü no luck").span();
            ValueLength(limit).apply(&mut span);
            assert_eq!(span.status, Status::error(expected));
        }
    }
}
