//! Limits on what one span may carry.
//!
//! The SDK counts attributes, events and links; the length of values it leaves alone, so that is
//! done here, before a span waits in a queue.

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanLimits};
use tracewire_text::cut::first_chars;

use crate::env::{self, Env, Origin};

/// What code says about limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) value_length: Option<usize>,
    pub(crate) counts: Option<SpanLimits>,
}

/// The SDK's limits and ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) counts: SpanLimits,
    pub(crate) value_length: ValueLength,
}

/// The longest attribute value, in characters; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueLength(pub(crate) Option<usize>);

pub(crate) fn limits(env: &Env, code: Settings) -> Limits {
    const ALL: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
    let count = |names: &[&str], code, default| env.pick(names, code, env::integer(0), default);
    let default = SpanLimits::default();
    let (value_length, code) = (value_length(env, code.value_length), code.counts);
    let counts = SpanLimits {
        max_attributes_per_span: count(
            &["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_span),
            default.max_attributes_per_span,
        ),
        max_events_per_span: count(
            &["OTEL_SPAN_EVENT_COUNT_LIMIT"],
            code.map(|counts| counts.max_events_per_span),
            default.max_events_per_span,
        ),
        max_links_per_span: count(
            &["OTEL_SPAN_LINK_COUNT_LIMIT"],
            code.map(|counts| counts.max_links_per_span),
            default.max_links_per_span,
        ),
        max_attributes_per_event: count(
            &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_event),
            default.max_attributes_per_event,
        ),
        max_attributes_per_link: count(
            &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", ALL],
            code.map(|counts| counts.max_attributes_per_link),
            default.max_attributes_per_link,
        ),
    };
    Limits { counts, value_length }
}

fn value_length(env: &Env, code: Option<usize>) -> ValueLength {
    const NAMES: [&str; 2] =
        ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    let (limit, origin) = match (code, env.read(&NAMES, env::integer(0))) {
        (Some(limit), _) => {
            env.overridden(&NAMES);
            (Some(limit), Origin::Code)
        }
        (None, Some(found)) => {
            (usize::try_from(found.value).ok(), Origin::Variable(found.variable))
        }
        (None, None) => (None, Origin::Default),
    };
    let shown = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    env.decide(NAMES[0], shown, origin);
    ValueLength(limit)
}

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
    fn specific_variables_win_over_general_ones() {
        let env = Env::of(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7"),
        ]);
        let limits = limits(&env, Settings::default());
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        assert_eq!(limits.value_length, ValueLength(Some(7)));
        let counts = limits.counts;
        assert_eq!(
            [
                counts.max_attributes_per_span,
                counts.max_events_per_span,
                counts.max_links_per_span,
                counts.max_attributes_per_event,
                counts.max_attributes_per_link,
            ],
            [0, 3, 4, 10, 5]
        );
    }

    #[test]
    fn defaults_are_the_specifications() {
        let limits = limits(&Env::of(&[]), Settings::default());
        assert_eq!(limits.value_length, ValueLength(None));
        assert_eq!(limits.counts.max_attributes_per_span, 128);
        assert_eq!(limits.counts.max_attributes_per_link, 128);
    }

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
        use crate::console::sample::Sample;
        for (limit, expected) in
            [(Some(5), "äöü n"), (Some(100), "äöü no luck"), (None, "äöü no luck")]
        {
            let mut span = Sample::new(1).error("äöü no luck").span();
            ValueLength(limit).apply(&mut span);
            assert_eq!(span.status, Status::error(expected));
        }
    }
}
