//! One ended span, with assertions.

use crate::value::attributes;
use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, SpanKind, Status, TraceId},
};
use opentelemetry_proto::tonic::trace::v1 as proto;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// An ended span, on its own or as part of the [`Spans`](crate::Spans) it was found in.
///
/// Each assertion gives the span back, and prints the whole tree when it fails.
///
/// ```
/// use opentelemetry::trace::SpanKind;
/// use tracewire_span::span;
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// capture.in_scope(|| {
///     span("checkout").attribute("cart.items", 3).in_scope(|| span("charge").in_scope(|| ()));
/// });
///
/// let spans = capture.spans();
/// let checkout = spans.one("checkout");
/// checkout.is_root().is_kind(SpanKind::Internal).has("cart.items", 3).has_no("error.type");
/// spans.one("charge").is_child_of(&checkout);
/// ```
#[derive(Clone)]
pub struct Span {
    /// The name.
    pub name: String,
    /// The role in a call between services.
    pub kind: SpanKind,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The id of the parent, in this process or another.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent's context came from another process.
    pub parent_is_remote: bool,
    /// The trace state, as the header `tracestate` has it, or nothing.
    pub trace_state: String,
    /// When it started.
    pub start_time: SystemTime,
    /// When it ended.
    pub end_time: SystemTime,
    /// The attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
    /// The events in the order they were added.
    pub events: Vec<Event>,
    /// The links in the order they were added.
    pub links: Vec<Link>,
    /// The status.
    pub status: Status,
    /// The name of the library that made it.
    pub scope: String,
    /// The version of that library, or nothing.
    pub scope_version: String,
    /// The schema that its attributes follow, or nothing.
    pub schema_url: String,
    /// The attributes of the resource, sorted by key.
    pub resource: Vec<KeyValue>,
    /// How many attributes, events and links were dropped at a limit.
    pub dropped: u32,
    /// Every other span that was found with it.
    pub(crate) family: Option<Arc<[Self]>>,
}

/// An event of a span.
///
/// ```
/// use tracewire_span::{Event, current, span};
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// capture.in_scope(|| {
///     span("checkout").in_scope(|| {
///         current().add_event(Event::new("paid").attribute("amount", 25));
///     });
/// });
///
/// let checkout = capture.spans().one("checkout");
/// assert_eq!(checkout.event("paid").attributes[0].key.as_str(), "amount");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The name.
    pub name: String,
    /// When it happened.
    pub timestamp: SystemTime,
    /// The attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
}

/// A link from a span to another.
///
/// ```
/// use tracewire_span::span;
/// use tracewire_testing::Capture;
///
/// let capture = Capture::new();
/// capture.in_scope(|| {
///     let order = span("order").start();
///     span("ship").link(order.span_context()).in_scope(|| ());
/// });
///
/// let spans = capture.spans();
/// assert_eq!(spans.one("ship").links[0].span_id, spans.one("order").span_id);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The trace of the other span.
    pub trace_id: TraceId,
    /// The id of the other span.
    pub span_id: SpanId,
    /// The attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
}

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|own| own.key.as_str() == key).map(|own| &own.value)
    }

    /// A span as OTLP has it.
    pub(crate) fn from_proto(span: proto::Span) -> Self {
        use proto::{span::SpanKind as Kind, status::StatusCode};
        let status = span.status.unwrap_or_default();
        Self {
            name: span.name,
            kind: match Kind::try_from(span.kind) {
                Ok(Kind::Client) => SpanKind::Client,
                Ok(Kind::Server) => SpanKind::Server,
                Ok(Kind::Producer) => SpanKind::Producer,
                Ok(Kind::Consumer) => SpanKind::Consumer,
                Ok(Kind::Internal | Kind::Unspecified) | Err(_) => SpanKind::Internal,
            },
            trace_id: trace_id(&span.trace_id),
            span_id: span_id(&span.span_id),
            parent_span_id: Some(span_id(&span.parent_span_id))
                .filter(|parent| *parent != SpanId::INVALID),
            parent_is_remote: span.flags & proto::SpanFlags::ContextIsRemoteMask as u32 != 0,
            trace_state: span.trace_state,
            start_time: time(span.start_time_unix_nano),
            end_time: time(span.end_time_unix_nano),
            attributes: attributes(span.attributes),
            events: span.events.into_iter().map(Event::from_proto).collect(),
            links: span.links.into_iter().map(Link::from_proto).collect(),
            status: match StatusCode::try_from(status.code) {
                Ok(StatusCode::Ok) => Status::Ok,
                Ok(StatusCode::Error) => Status::error(status.message),
                Ok(StatusCode::Unset) | Err(_) => Status::Unset,
            },
            scope: String::new(),
            scope_version: String::new(),
            schema_url: String::new(),
            resource: Vec::new(),
            dropped: span.dropped_attributes_count
                + span.dropped_events_count
                + span.dropped_links_count,
            family: None,
        }
    }
}

impl Event {
    fn from_proto(event: proto::span::Event) -> Self {
        Self {
            name: event.name,
            timestamp: time(event.time_unix_nano),
            attributes: attributes(event.attributes),
        }
    }
}

impl Link {
    fn from_proto(link: proto::span::Link) -> Self {
        Self {
            trace_id: trace_id(&link.trace_id),
            span_id: span_id(&link.span_id),
            attributes: attributes(link.attributes),
        }
    }
}

pub(crate) fn trace_id(bytes: &[u8]) -> TraceId {
    bytes.try_into().map_or(TraceId::INVALID, TraceId::from_bytes)
}

pub(crate) fn span_id(bytes: &[u8]) -> SpanId {
    bytes.try_into().map_or(SpanId::INVALID, SpanId::from_bytes)
}

pub(crate) fn time(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
