//! Spans as the bytes of an `ExportTraceServiceRequest`, written without the messages in between.
//!
//! Those would copy every key and every text once more, for a thread that shares its core with the
//! service. As proto3 has it, a field that is empty or zero is left out.

use super::{
    field,
    wire::{Buffer, Start, Wire, size_of_varint},
};
use crate::pipeline::body::{Encoding, Source};
use opentelemetry::{
    Array, KeyValue, Value,
    trace::{Event, Link, SpanId, SpanKind, Status},
};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// `ExportTraceServiceRequest` or `ExportLogsServiceRequest`: both have the same fields.
#[derive(Debug)]
pub(super) struct Protobuf {
    /// The message of this name, encoded.
    resource: Vec<u8>,
    schema_url: String,
}

impl Protobuf {
    pub(super) fn new(resource: &ResourceMessage, schema_url: &str) -> Self {
        Self { resource: resource.encode_to_vec(), schema_url: schema_url.to_owned() }
    }
}

/// An item as a message.
pub(crate) trait Write {
    fn write(&self, buffer: &mut Buffer<'_>);
}

impl<T: Write> Write for Arc<T> {
    fn write(&self, buffer: &mut Buffer<'_>) {
        T::write(self, buffer);
    }
}

impl Write for SpanData {
    fn write(&self, buffer: &mut Buffer<'_>) {
        buffer.span(self);
    }
}

impl<T: Write> Encoding<T> for Protobuf {
    type Scope = Start;

    fn begin(&self, body: &mut Vec<u8>) {
        let mut buffer = Buffer(body);
        buffer.begin(field::request::RESOURCES);
        buffer.bytes(field::resource::RESOURCE, &self.resource);
    }

    fn begin_scope(&self, body: &mut Vec<u8>, (scope, target): Source<'_>) -> Start {
        let mut buffer = Buffer(body);
        let start = buffer.begin(field::resource::SCOPES);
        buffer.message(field::scoped::SCOPE, |buffer| {
            buffer.text(field::scope::NAME, target.unwrap_or_else(|| scope.name()));
            buffer.text(field::scope::VERSION, scope.version().unwrap_or_default());
            buffer.attributes(field::scope::ATTRIBUTES, scope.attributes());
        });
        start
    }

    fn item(&self, body: &mut Vec<u8>, item: &T) {
        Buffer(body).message(field::scoped::ITEMS, |buffer| item.write(buffer));
    }

    fn end_scope(&self, body: &mut Vec<u8>, (scope, _): Source<'_>, start: Start) {
        let mut buffer = Buffer(body);
        buffer.text(field::scoped::SCHEMA_URL, scope.schema_url().unwrap_or_default());
        buffer.end(start);
    }

    fn end(&self, body: &mut Vec<u8>) {
        let mut buffer = Buffer(body);
        buffer.text(field::resource::SCHEMA_URL, &self.schema_url);
        buffer.end(Start::OF_ALL);
    }

    fn ending(&self, (scope, _): Source<'_>) -> usize {
        scope.schema_url().unwrap_or_default().len() + self.schema_url.len()
    }
}

/// Messages.
impl Buffer<'_> {
    /// The fields of a message that others made.
    #[cfg(feature = "logs")]
    pub(crate) fn message_of(&mut self, message: &impl Message) {
        message.encode(self.0).expect("a Vec takes every write");
    }

    fn span(&mut self, span: &SpanData) {
        let context = &span.span_context;
        self.bytes(field::span::TRACE_ID, &context.trace_id().to_bytes());
        self.bytes(field::span::SPAN_ID, &context.span_id().to_bytes());
        self.text(field::span::TRACE_STATE, &context.trace_state().header());
        if span.parent_span_id != SpanId::INVALID {
            self.bytes(field::span::PARENT_SPAN_ID, &span.parent_span_id.to_bytes());
        }
        self.text(field::span::NAME, &span.name);
        self.number(field::span::KIND, kind(&span.span_kind));
        self.fixed64(field::span::START_TIME, nanos(span.start_time));
        self.fixed64(field::span::END_TIME, nanos(span.end_time));
        self.attributes(field::span::ATTRIBUTES, &span.attributes);
        self.number(field::span::DROPPED_ATTRIBUTES, span.dropped_attributes_count.into());
        for event in span.events.iter() {
            self.message(field::span::EVENTS, |buffer| buffer.event(event));
        }
        self.number(field::span::DROPPED_EVENTS, span.events.dropped_count.into());
        for link in span.links.iter() {
            self.message(field::span::LINKS, |buffer| buffer.link(link));
        }
        self.number(field::span::DROPPED_LINKS, span.links.dropped_count.into());
        self.message(field::span::STATUS, |buffer| match &span.status {
            Status::Unset => {}
            Status::Ok => buffer.number(field::status::CODE, field::status::OK),
            Status::Error { description } => {
                buffer.text(field::status::MESSAGE, description);
                buffer.number(field::status::CODE, field::status::ERROR);
            }
        });
        self.fixed32(
            field::span::FLAGS,
            flags(context.trace_flags().to_u8(), span.parent_span_is_remote),
        );
    }

    fn event(&mut self, event: &Event) {
        self.fixed64(field::event::TIME, nanos(event.timestamp));
        self.text(field::event::NAME, &event.name);
        self.attributes(field::event::ATTRIBUTES, &event.attributes);
        self.number(field::event::DROPPED_ATTRIBUTES, event.dropped_attributes_count.into());
    }

    fn link(&mut self, link: &Link) {
        let context = &link.span_context;
        self.bytes(field::link::TRACE_ID, &context.trace_id().to_bytes());
        self.bytes(field::link::SPAN_ID, &context.span_id().to_bytes());
        self.text(field::link::TRACE_STATE, &context.trace_state().header());
        self.attributes(field::link::ATTRIBUTES, &link.attributes);
        self.number(field::link::DROPPED_ATTRIBUTES, link.dropped_attributes_count.into());
        self.fixed32(field::link::FLAGS, flags(context.trace_flags().to_u8(), context.is_remote()));
    }

    pub(super) fn attributes<'a>(
        &mut self,
        field: u32,
        attributes: impl IntoIterator<Item = &'a KeyValue>,
    ) {
        for KeyValue { key, value, .. } in attributes {
            let key = key.as_str();
            // The length of most is known before they are written, and need not be filled in later.
            if let Some(size) = size_of_value(value) {
                self.head(field, size_of_text(key) + 1 + size_of_varint(size as u64) + size);
                self.text(field::attribute::KEY, key);
                self.head(field::attribute::VALUE, size);
                self.value(value);
            } else {
                self.message(field, |buffer| {
                    buffer.text(field::attribute::KEY, key);
                    buffer.message(field::attribute::VALUE, |buffer| buffer.value(value));
                });
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => self.bool(*value),
            Value::I64(value) => self.int(*value),
            Value::F64(value) => self.double(*value),
            Value::String(value) => self.string(value.as_str()),
            Value::Array(array) => self.message(field::value::ARRAY, |buffer| match array {
                Array::Bool(list) => buffer.values(list, |buffer, value| buffer.bool(*value)),
                Array::I64(list) => buffer.values(list, |buffer, value| buffer.int(*value)),
                Array::F64(list) => buffer.values(list, |buffer, value| buffer.double(*value)),
                Array::String(list) => {
                    buffer.values(list, |buffer, value| buffer.string(value.as_str()));
                }
                _ => {}
            }),
            // Both enumerations may grow: what is not known yet is an empty value.
            _ => {}
        }
    }

    fn values<T>(&mut self, list: &[T], write: impl Fn(&mut Self, &T)) {
        for value in list {
            self.message(field::array::VALUES, |buffer| write(buffer, value));
        }
    }
}

/// The choices of `AnyValue`, which are written even if empty or zero.
impl Buffer<'_> {
    fn string(&mut self, text: &str) {
        self.head(field::value::STRING, text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn bool(&mut self, value: bool) {
        self.key(field::value::BOOL, Wire::Varint);
        self.varint(value.into());
    }

    fn int(&mut self, value: i64) {
        self.key(field::value::INT, Wire::Varint);
        self.varint(value.cast_unsigned());
    }

    fn double(&mut self, value: f64) {
        self.key(field::value::DOUBLE, Wire::Fixed64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }
}

/// The bytes that a value takes, if it is no list. The keys of fields below 16 take one.
fn size_of_value(value: &Value) -> Option<usize> {
    match value {
        Value::Bool(_) => Some(2),
        Value::I64(value) => Some(1 + size_of_varint(value.cast_unsigned())),
        Value::F64(_) => Some(9),
        Value::String(text) => {
            let length = text.as_str().len();
            Some(1 + size_of_varint(length as u64) + length)
        }
        _ => None,
    }
}

/// The bytes that a text takes, which is left out if it is empty.
fn size_of_text(text: &str) -> usize {
    if text.is_empty() { 0 } else { 1 + size_of_varint(text.len() as u64) + text.len() }
}

fn kind(kind: &SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The flags of the trace, and in bits 8 and 9 that it is known whether the other span is remote.
fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    u32::from(trace_flags) | 0x100 | if is_remote { 0x200 } else { 0 }
}

/// Since 1970; a clock before that counts as zero.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::body::{MOST_BODY_BYTES, fill},
        sample::{Sample, at},
    };
    use opentelemetry::{
        InstrumentationScope,
        trace::{SpanContext, TraceFlags, TraceId, TraceState},
    };
    use opentelemetry_proto::{
        tonic::collector::trace::v1::ExportTraceServiceRequest,
        transform::{
            common::tonic::ResourceAttributesWithSchema,
            trace::tonic::group_spans_by_resource_and_scope,
        },
    };
    use opentelemetry_sdk::Resource;
    use std::time::Duration;

    /// The same request, made by OpenTelemetry's own messages and by [`Protobuf`].
    fn assert_same(batch: Vec<SpanData>) {
        let schema = "https://opentelemetry.io/schemas/1.36.0";
        let resource = Resource::builder_empty()
            .with_schema_url([KeyValue::new("service.name", "encode")], schema)
            .build();
        let parts = ResourceAttributesWithSchema::from(&resource);
        let message =
            ResourceMessage { attributes: parts.attributes.0.clone(), ..Default::default() };
        let format = Protobuf::new(&message, schema);
        let found = fill(MOST_BODY_BYTES, &format, &mut batch.iter().cloned().collect());
        let expected = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &parts),
        };
        assert_eq!(ExportTraceServiceRequest::decode(&*found), Ok(expected));
    }

    fn context(id: u64, is_remote: bool) -> SpanContext {
        let state = TraceState::from_key_value([("vendor", "a"), ("other", "b")]).unwrap();
        SpanContext::new(TraceId::from(7), SpanId::from(id), TraceFlags::SAMPLED, is_remote, state)
    }

    #[test]
    fn an_empty_span_is_what_the_messages_make_of_it() {
        assert_same(vec![Sample::new(1).span()]);
    }

    #[test]
    fn every_field_is_what_the_messages_make_of_it() {
        let mut span = Sample::new(1).under_remote(2).name("GET /users/{id}").error("no luck");
        for (key, value) in [
            ("text", Value::from("äöü")),
            ("none", Value::from("")),
            ("yes", Value::from(true)),
            ("no", Value::from(false)),
            ("zero", Value::from(0)),
            ("below", Value::from(-1)),
            ("least", Value::from(i64::MIN)),
            ("double", Value::from(0.25)),
            ("nothing", Value::from(0.0)),
            ("texts", Value::Array(Array::String(vec!["a".into(), "".into()]))),
            ("bools", Value::Array(Array::Bool(vec![true, false]))),
            ("numbers", Value::Array(Array::I64(vec![0, -5, 1 << 40]))),
            ("doubles", Value::Array(Array::F64(vec![0.0, -1.5]))),
            ("empty", Value::Array(Array::I64(vec![]))),
            ("", Value::from("no key")),
        ] {
            span = span.attribute(key, value);
        }
        let mut span = span.span();
        span.span_context = context(1, true);
        span.dropped_attributes_count = 300;
        let attributes = vec![KeyValue::new("key", "value"), KeyValue::new("count", 3)];
        span.events.events.push(Event::new("event", at(5), attributes.clone(), 2));
        span.events.events.push(Event::new("", SystemTime::UNIX_EPOCH, vec![], 0));
        span.events.dropped_count = 4;
        span.links.links.push(Link::new(context(3, true), attributes, 1));
        span.links.links.push(Link::with_context(context(4, false)));
        span.links.dropped_count = 5;
        assert_same(vec![span]);
    }

    #[test]
    fn kinds_and_statuses_are_what_the_messages_make_of_them() {
        use SpanKind::{Client, Consumer, Internal, Producer, Server};
        for kind in [Client, Consumer, Internal, Producer, Server] {
            let mut span = Sample::new(1).kind(kind).span();
            span.status = Status::Ok;
            assert_same(vec![span.clone()]);
            span.status = Status::error("");
            span.end_time = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
            assert_same(vec![span]);
        }
    }

    #[test]
    fn spans_stand_below_their_scopes() {
        let scope = |name: &'static str| {
            InstrumentationScope::builder(name)
                .with_version("1.2.3")
                .with_schema_url("https://schema.example")
                .with_attributes([KeyValue::new("key", "value")])
                .build()
        };
        let spans = ["one", "two", "one", "", "two"].into_iter().zip(1..);
        let batch = spans.map(|(name, id)| {
            let mut span = Sample::new(id).span();
            span.instrumentation_scope = scope(name);
            span
        });
        assert_same(batch.collect());
        assert_same(vec![]);
    }

    #[test]
    fn lengths_of_any_size_are_written() {
        for length in [1, 100, 110, 120, 126, 127, 128, 129, 16_383, 16_384, 2_097_152] {
            assert_same(vec![Sample::new(1).attribute("key", "x".repeat(length)).span()]);
        }
        for length in 0..130 {
            assert_same(vec![Sample::new(1).attribute("key", "x".repeat(length)).span()]);
        }
    }

    #[cfg(feature = "logs")]
    #[test]
    fn a_target_is_the_scope_of_its_log_records() {
        use crate::logs::Log;
        use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;

        let logs = [
            Log::sample("bridge", Some("shop"), "a"),
            Log::sample("bridge", Some("shop::cart"), "c"),
            Log::sample("bridge", Some("shop"), "b"),
            Log::sample("own", None, "d"),
        ];
        let format = Protobuf::new(&ResourceMessage::default(), "schema");
        let body = fill(MOST_BODY_BYTES, &format, &mut logs.into());
        let mut request = ExportLogsServiceRequest::decode(&*body).unwrap();
        let resource = request.resource_logs.remove(0);
        assert_eq!((resource.schema_url.as_str(), request.resource_logs.len()), ("schema", 0));
        let scopes = resource.scope_logs.into_iter().map(|logs| {
            let scope = logs.scope.unwrap();
            let texts: String = logs.log_records.into_iter().map(|r| r.severity_text).collect();
            (scope.name, scope.version, texts)
        });
        let expected = [("shop", "1", "ab"), ("shop::cart", "1", "c"), ("own", "1", "d")];
        let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(scopes.collect::<Vec<_>>(), expected);
    }
}
