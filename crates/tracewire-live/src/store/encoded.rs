//! Spans that arrive as OTLP.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::{DecodeError, Message};

use super::facts::{EndedSpan, SpanFacts, SpanId, TraceId};
use super::source::Source;

/// OTLP's span flags: whether the next one means anything, and whether the parent is remote.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// OTLP's kinds that a request from elsewhere starts.
const SERVER: i32 = 2;
const CONSUMER: i32 = 5;
/// OTLP's status code of an error.
const ERROR: i32 = 2;

/// An OTLP `Span` without what a list or a waterfall does not need.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SpanHead {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(crate) start: u64,
    #[prost(fixed64, tag = "8")]
    pub(crate) end: u64,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<EventHead>,
    #[prost(message, optional, tag = "15")]
    pub(crate) status: Option<StatusHead>,
    #[prost(fixed32, tag = "16")]
    pub(crate) flags: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct EventHead {
    #[prost(fixed64, tag = "1")]
    pub(crate) time: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct StatusHead {
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

impl SpanHead {
    pub(crate) fn is_error(&self) -> bool {
        self.status.is_some_and(|status| status.code == ERROR)
    }

    fn is_entry(&self) -> bool {
        if self.parent_span_id.iter().all(|byte| *byte == 0) {
            true
        } else if self.flags & HAS_IS_REMOTE != 0 {
            self.flags & IS_REMOTE != 0
        } else {
            matches!(self.kind, SERVER | CONSUMER)
        }
    }
}

/// A span that was received in its OTLP encoding.
///
/// ```
/// use prost::Message;
/// use opentelemetry_proto::tonic::trace::v1::Span;
/// use tracewire_live::{EncodedSpan, Live};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Live::new().build();
/// let source = recorder.source(b"", b""); // the resource and the scope, as OTLP has them
/// let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..Span::default() };
/// let span = EncodedSpan::new(source, span.encode_to_vec().into())?;
/// recorder.offer([Box::new(span) as _]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EncodedSpan {
    bytes: Bytes,
    source: Arc<Source>,
    head: SpanHead,
    error_type: String,
    http_status: u16,
}

impl EncodedSpan {
    /// Reads the facts of an encoded OTLP `Span`.
    ///
    /// # Errors
    ///
    /// Fails if `bytes` are not a `Span`.
    pub fn new(source: Arc<Source>, bytes: Bytes) -> Result<Self, DecodeError> {
        let mut head = SpanHead::decode(&*bytes)?;
        head.events = Vec::new();
        let mut span = Self { bytes, source, head, error_type: String::new(), http_status: 0 };
        if span.head.is_entry() || span.head.is_error() {
            for attribute in Attributes::decode(&*span.bytes)?.attributes {
                span.note(attribute);
            }
        }
        Ok(span)
    }

    fn note(&mut self, attribute: KeyValue) {
        match (&*attribute.key, attribute.value) {
            ("error.type", Some(AnyValue { value: Some(Value::StringValue(kind)) })) => {
                self.error_type = kind;
            }
            (
                "http.response.status_code" | "http.status_code",
                Some(AnyValue { value: Some(Value::IntValue(status)) }),
            ) => self.http_status = u16::try_from(status).unwrap_or(0),
            _ => {}
        }
    }
}

impl EndedSpan for EncodedSpan {
    fn facts(&self) -> SpanFacts<'_> {
        SpanFacts {
            trace_id: id(&self.head.trace_id),
            span_id: id(&self.head.span_id),
            parent_span_id: id(&self.head.parent_span_id),
            is_entry: self.head.is_entry(),
            name: &self.head.name,
            kind: u8::try_from(self.head.kind).unwrap_or(0),
            start: self.head.start,
            end: self.head.end,
            is_error: self.head.is_error(),
            error_type: &self.error_type,
            http_status: self.http_status,
        }
    }

    fn source(&self) -> &Arc<Source> {
        &self.source
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.bytes.len()
            + self.head.name.capacity()
            + self.error_type.capacity()
            + size_of::<(TraceId, SpanId, SpanId)>()
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.bytes);
    }
}

/// An id of the right length, or zeros.
pub(crate) fn id<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}
