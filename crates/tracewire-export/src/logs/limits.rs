//! Limits on what one log record may carry.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value},
    logs::v1::LogRecord,
};
use tracewire_text::cut::first_chars;

/// How many attributes a log record may have, and how many characters each value.
///
/// ```
/// use tracewire_export::{BatchLogProcessor, Exports, LogLimits};
///
/// let mut limits = LogLimits::default();
/// limits.value_length = Some(1024);
/// let processor = BatchLogProcessor::new(&Exports::new()).limits(limits);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLimits {
    /// How many attributes a record may have; 128 unless set. The others are dropped and counted.
    pub attributes: usize,
    /// How many characters a value may have; `None`, the default, is no limit.
    pub value_length: Option<usize>,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { attributes: 128, value_length: None }
    }
}

impl LogLimits {
    pub(crate) fn apply(self, record: &mut LogRecord) {
        if let Some(dropped) = record.attributes.len().checked_sub(self.attributes)
            && dropped > 0
        {
            record.attributes.truncate(self.attributes);
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

    #[test]
    fn values_are_cut_by_characters_at_any_depth() {
        let text = |text: &str| Value::StringValue(text.to_owned());
        let list = |texts: &[&str]| {
            Value::ArrayValue(ArrayValue { values: texts.iter().map(|t| value(text(t))).collect() })
        };
        let mut cut = record([text("äöüß"), list(&["abcd", "a"]), Value::IntValue(12_345)]);
        LogLimits { value_length: Some(3), ..LogLimits::default() }.apply(&mut cut);
        assert_eq!(cut, record([text("äöü"), list(&["abc", "a"]), Value::IntValue(12_345)]));
    }

    #[test]
    fn attributes_beyond_the_limit_are_counted() {
        let mut many = record((0..5).map(Value::IntValue));
        LogLimits { attributes: 2, ..LogLimits::default() }.apply(&mut many);
        assert_eq!((many.attributes.len(), many.dropped_attributes_count), (2, 3));
    }
}
