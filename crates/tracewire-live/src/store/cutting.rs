//! Cuts long attribute values before a span is stored.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewire_text::cut;

/// Cuts the values of the encoded span at the end of `buffer` that are longer than `limit` bytes.
pub(crate) fn cut_span(buffer: &mut Vec<u8>, from: usize, limit: usize) {
    // No value is longer than the span it is in.
    if buffer.len() - from <= limit {
        return;
    }
    let Ok(mut span) = Span::decode(&buffer[from..]) else { return };
    span.name = text(std::mem::take(&mut span.name), limit);
    span.trace_state = text(std::mem::take(&mut span.trace_state), limit);
    if let Some(status) = &mut span.status {
        status.message = text(std::mem::take(&mut status.message), limit);
    }
    attributes(&mut span.attributes, limit);
    for event in &mut span.events {
        event.name = text(std::mem::take(&mut event.name), limit);
        attributes(&mut event.attributes, limit);
    }
    for link in &mut span.links {
        attributes(&mut link.attributes, limit);
    }
    buffer.truncate(from);
    // Writing to a Vec with capacity for it cannot fail: it grows.
    buffer.extend_from_slice(&span.encode_to_vec());
}

/// The same for a log record.
pub(crate) fn cut_log(buffer: &mut Vec<u8>, limit: usize) {
    if buffer.len() <= limit {
        return;
    }
    let Ok(mut record) = LogRecord::decode(&**buffer) else { return };
    if let Some(body) = &mut record.body {
        value(body, limit);
    }
    attributes(&mut record.attributes, limit);
    *buffer = record.encode_to_vec();
}

fn attributes(attributes: &mut [KeyValue], limit: usize) {
    for attribute in attributes {
        attribute.key = text(std::mem::take(&mut attribute.key), limit);
        if let Some(inner) = &mut attribute.value {
            value(inner, limit);
        }
    }
}

/// Decoding limits the depth, so this recursion is bounded too.
fn value(any: &mut AnyValue, limit: usize) {
    match &mut any.value {
        Some(Value::StringValue(string)) => *string = text(std::mem::take(string), limit),
        Some(Value::BytesValue(bytes)) if bytes.len() > limit => {
            any.value = Some(Value::StringValue(format!("({} bytes, not kept)", bytes.len())));
        }
        Some(Value::ArrayValue(array)) => {
            array.values.iter_mut().for_each(|inner| value(inner, limit));
        }
        Some(Value::KvlistValue(list)) => attributes(&mut list.values, limit),
        _ => {}
    }
}

fn text(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let length = text.len();
    format!("{} (cut, {length} bytes)", cut(text, limit))
}
