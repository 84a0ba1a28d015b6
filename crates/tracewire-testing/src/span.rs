//! One ended span, with assertions.

use crate::Spans;
use crate::value::{attributes, sorted, written};
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use opentelemetry::{KeyValue, Value};
use opentelemetry_proto::tonic::trace::v1 as proto;
use std::fmt;
use std::time::{Duration, SystemTime};

/// An ended span, on its own or as part of the [`Spans`] it was found in.
///
/// Each assertion gives the span back, and prints the whole tree when it fails.
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
    pub(crate) family: Option<Spans>,
}

/// An event of a span.
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

    /// Asserts that the span has this attribute, once.
    ///
    /// # Panics
    ///
    /// If it has not, or with another value or type, or has a second one of this key.
    #[track_caller]
    pub fn has(&self, key: &str, value: impl Into<Value>) -> &Self {
        let expected = KeyValue::new(key.to_owned(), value);
        let same_key = self.attributes.iter().filter(|own| own.key == expected.key);
        let actual: Vec<_> = same_key.collect();
        if actual != [&expected] {
            let actual: Vec<_> = actual.into_iter().map(written).collect();
            let actual = if actual.is_empty() { format!("no {key}") } else { actual.join(" and ") };
            self.fail(&format!("{}, but found {actual}", written(&expected)));
        }
        self
    }

    /// Asserts that the span has no attribute of this key.
    ///
    /// # Panics
    ///
    /// If it has one.
    #[track_caller]
    pub fn has_no(&self, key: &str) -> &Self {
        if let Some(own) = self.attributes.iter().find(|own| own.key.as_str() == key) {
            self.fail(&format!("no {key}, but found {}", written(own)));
        }
        self
    }

    /// Asserts that the span has these attributes and no others, in any order.
    ///
    /// # Panics
    ///
    /// If one is missing, differs, or is there in addition.
    #[track_caller]
    pub fn has_exactly<V: Into<Value>>(
        &self,
        expected: impl IntoIterator<Item = (&'static str, V)>,
    ) -> &Self {
        let expected = sorted(expected.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        if self.attributes != expected {
            let expected: Vec<_> = expected.iter().map(written).collect();
            self.fail(&format!("exactly these attributes:\n  {}", expected.join("\n  ")));
        }
        self
    }

    /// Asserts the kind.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn is_kind(&self, kind: SpanKind) -> &Self {
        if self.kind != kind {
            self.fail(&format!("kind {kind:?}, but found {:?}", self.kind));
        }
        self
    }

    /// Asserts the status.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn is_status(&self, status: Status) -> &Self {
        if self.status != status {
            self.fail(&format!("status {status:?}, but found {:?}", self.status));
        }
        self
    }

    /// Asserts the status Error, with any description.
    ///
    /// # Panics
    ///
    /// If the status is another.
    #[track_caller]
    pub fn is_error(&self) -> &Self {
        if !matches!(self.status, Status::Error { .. }) {
            self.fail(&format!("status Error, but found {:?}", self.status));
        }
        self
    }

    /// Asserts that there is no parent, here or elsewhere.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[track_caller]
    pub fn is_root(&self) -> &Self {
        if self.parent_span_id.is_some() {
            self.fail("no parent");
        }
        self
    }

    /// Asserts that this span is the parent.
    ///
    /// # Panics
    ///
    /// If the parent is another, or there is none.
    #[track_caller]
    pub fn is_child_of(&self, parent: &Self) -> &Self {
        if self.parent_span_id != Some(parent.span_id) || self.trace_id != parent.trace_id {
            self.fail(&format!("the parent {:?}", parent.name));
        }
        self
    }

    /// Asserts that there is one event of this name, and gives it.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn event(&self, name: &str) -> &Event {
        let mut events = self.events.iter().filter(|event| event.name == name);
        match (events.next(), events.next()) {
            (Some(event), None) => event,
            (None, _) => self.fail(&format!("an event {name:?}")),
            (Some(_), Some(_)) => self.fail(&format!("one event {name:?}, but found several")),
        }
    }

    #[track_caller]
    fn fail(&self, expected: &str) -> ! {
        let tree = self.family.clone().unwrap_or_else(|| Spans::new(vec![self.clone()]));
        panic!("span {:?}: expected {expected}\n\nall spans:\n{tree}", self.name)
    }

    /// A span as OTLP has it.
    pub(crate) fn from_proto(span: proto::Span) -> Self {
        use proto::span::SpanKind as Kind;
        use proto::status::StatusCode;
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

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Spans::new(vec![self.clone()]))
    }
}

pub(crate) fn trace_id(octets: &[u8]) -> TraceId {
    octets.try_into().map_or(TraceId::INVALID, TraceId::from_bytes)
}

pub(crate) fn span_id(octets: &[u8]) -> SpanId {
    octets.try_into().map_or(SpanId::INVALID, SpanId::from_bytes)
}

pub(crate) fn time(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
