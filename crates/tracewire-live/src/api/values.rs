//! Attribute values and texts as the page shows them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde::Serialize;
use tracewire_text::hex::to_string as hex;
use tracewire_text::printable;

/// An attribute, as text with its type.
#[derive(Debug, Serialize)]
pub(super) struct Attribute {
    key: String,
    #[serde(rename = "type")]
    kind: &'static str,
    value: String,
}

/// Returns a name without characters that mislead readers.
pub(super) fn name(text: &str) -> String {
    printable(text).into_owned()
}

/// Returns a longer text, in which line breaks stay.
pub(super) fn text(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

pub(super) fn attributes(attributes: &[KeyValue]) -> Vec<Attribute> {
    let shown = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref();
        Attribute { key: name(&attribute.key), kind: kind(value), value: any(value) }
    });
    shown.collect()
}

/// Returns a value as text.
pub(super) fn any(value: Option<&AnyValue>) -> String {
    match value.and_then(|any| any.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(string)) => text(string),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(composed) => text(&json(composed).to_string()),
    }
}

fn kind(value: Option<&AnyValue>) -> &'static str {
    match value.and_then(|any| any.value.as_ref()) {
        None => "empty",
        Some(Value::StringValue(_)) => "string",
        Some(Value::BoolValue(_)) => "bool",
        Some(Value::IntValue(_)) => "int",
        Some(Value::DoubleValue(_)) => "double",
        Some(Value::ArrayValue(_)) => "array",
        Some(Value::KvlistValue(_)) => "map",
        Some(Value::BytesValue(_)) => "bytes",
        Some(Value::StringValueStrindex(_)) => "index",
    }
}

/// The depth of a value is limited where it is decoded.
fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    let inner = |any: &AnyValue| any.value.as_ref().map_or(Json::Null, json);
    match value {
        Value::StringValue(string) => Json::from(&**string),
        Value::BoolValue(flag) => Json::from(*flag),
        Value::IntValue(number) => Json::from(*number),
        Value::DoubleValue(number) => Json::from(*number),
        Value::ArrayValue(array) => array.values.iter().map(inner).collect(),
        Value::KvlistValue(list) => list
            .values
            .iter()
            .map(|pair| (pair.key.clone(), pair.value.as_ref().map_or(Json::Null, inner)))
            .collect(),
        Value::BytesValue(bytes) => Json::from(hex(bytes)),
        Value::StringValueStrindex(index) => Json::from(*index),
    }
}
