//! Limits on what one log record may carry.

use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tracewire_text::cut::first_chars;

use crate::env::{self, Env, Origin};

/// What code says about limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) count: Option<u32>,
    pub(crate) value_length: Option<usize>,
}

/// How many attributes a record may have, and how many characters each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    count: usize,
    /// `None` is no limit.
    value_length: Option<usize>,
}

impl Limits {
    pub(crate) fn decide(env: &Env, code: Settings) -> Self {
        let count = env.pick(
            &["OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"],
            code.count,
            env::integer(0),
            128,
        );
        const LENGTH: [&str; 2] =
            ["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
        let (value_length, origin) = match (code.value_length, env.read(&LENGTH, env::integer(0))) {
            (Some(limit), _) => (Some(limit), Origin::Code),
            (None, Some(found)) => {
                (usize::try_from(found.value).ok(), Origin::Variable(found.variable))
            }
            (None, None) => (None, Origin::Default),
        };
        let shown = value_length.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
        env.decide(LENGTH[0], shown, origin);
        Self { count: count.try_into().unwrap_or(usize::MAX), value_length }
    }

    pub(crate) fn apply(self, record: &mut LogRecord) {
        if let Some(dropped) = record.attributes.len().checked_sub(self.count)
            && dropped > 0
        {
            record.attributes.truncate(self.count);
            record.dropped_attributes_count += u32::try_from(dropped).unwrap_or(u32::MAX);
        }
        if let Some(limit) = self.value_length {
            for attribute in &mut record.attributes {
                cut_value(attribute.value.as_mut(), limit);
            }
        }
    }
}

fn cut_value(value: Option<&mut AnyValue>, limit: usize) {
    match value.and_then(|value| value.value.as_mut()) {
        Some(Value::StringValue(text)) => {
            let end = first_chars(text, limit).len();
            if end < text.len() {
                text.truncate(end);
                text.shrink_to_fit();
            }
        }
        Some(Value::BytesValue(bytes)) => bytes.truncate(limit),
        Some(Value::ArrayValue(list)) => {
            list.values.iter_mut().for_each(|value| cut_value(Some(value), limit));
        }
        Some(Value::KvlistValue(map)) => {
            map.values.iter_mut().for_each(|pair| cut_value(pair.value.as_mut(), limit));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue};

    fn value(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn record(values: impl IntoIterator<Item = Value>) -> LogRecord {
        let attributes = values
            .into_iter()
            .map(|v| KeyValue { key: "k".to_owned(), value: Some(value(v)), ..KeyValue::default() })
            .collect();
        LogRecord { attributes, ..LogRecord::default() }
    }

    fn limits(variables: &[(&str, &str)]) -> Limits {
        let env = Env::of(variables);
        let limits = Limits::decide(&env, Settings::default());
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        limits
    }

    #[test]
    fn values_are_cut_by_characters_at_any_depth() {
        let text = |text: &str| Value::StringValue(text.to_owned());
        let list = |texts: &[&str]| {
            Value::ArrayValue(ArrayValue { values: texts.iter().map(|t| value(text(t))).collect() })
        };
        let mut cut = record([text("äöüß"), list(&["abcd", "a"]), Value::IntValue(12_345)]);
        limits(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")]).apply(&mut cut);
        assert_eq!(cut, record([text("äöü"), list(&["abc", "a"]), Value::IntValue(12_345)]));
    }

    #[test]
    fn attributes_beyond_the_limit_are_counted() {
        let mut many = record((0..5).map(Value::IntValue));
        limits(&[
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"),
        ])
        .apply(&mut many);
        assert_eq!((many.attributes.len(), many.dropped_attributes_count), (2, 3));
    }

    #[test]
    fn defaults_are_the_specifications() {
        assert_eq!(limits(&[]), Limits { count: 128, value_length: None });
    }
}
