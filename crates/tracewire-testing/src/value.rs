//! OTLP's values as those of the API.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, KeyValue as ProtoKeyValue, any_value::Value as Proto,
};
use std::fmt::Write;

/// The attributes sorted by key, so that two sets can be compared.
pub(crate) fn attributes(pairs: Vec<ProtoKeyValue>) -> Vec<KeyValue> {
    let pairs = pairs.into_iter();
    sorted(pairs.map(|pair| KeyValue::new(pair.key, value(pair.value))))
}

pub(crate) fn sorted(attributes: impl IntoIterator<Item = KeyValue>) -> Vec<KeyValue> {
    let mut attributes: Vec<_> = attributes.into_iter().collect();
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}

/// A value of the API. What it cannot hold becomes text.
pub(crate) fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        None => Value::from(""),
        Some(Proto::StringValue(text)) => Value::from(text),
        Some(Proto::BoolValue(value)) => Value::Bool(value),
        Some(Proto::IntValue(value)) => Value::I64(value),
        Some(Proto::DoubleValue(value)) => Value::F64(value),
        Some(Proto::ArrayValue(array)) => Value::Array(several(array.values)),
        Some(other) => Value::from(format!("{other:?}")),
    }
}

/// An array of the first element's type.
fn several(values: Vec<AnyValue>) -> Array {
    let mut values = values.into_iter().map(|one| value(Some(one))).peekable();
    macro_rules! array {
        ($array:ident, $value:ident) => {
            Array::$array(
                values
                    .filter_map(|value| match value {
                        Value::$value(value) => Some(value),
                        _ => None,
                    })
                    .collect(),
            )
        };
    }
    match values.peek() {
        Some(Value::Bool(_)) => array!(Bool, Bool),
        Some(Value::I64(_)) => array!(I64, I64),
        Some(Value::F64(_)) => array!(F64, F64),
        _ => Array::String(values.map(StringValue::from).collect()),
    }
}

/// `key = value`, with text in quotes, so that 200 and "200" differ.
pub(crate) fn written(attribute: &KeyValue) -> String {
    let mut text = format!("{} = ", attribute.key);
    match &attribute.value {
        Value::String(value) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{:?}", value.as_str());
        }
        Value::F64(value) => {
            let _ = write!(text, "{value:?}");
        }
        other => text.push_str(&other.as_str()),
    }
    text
}
