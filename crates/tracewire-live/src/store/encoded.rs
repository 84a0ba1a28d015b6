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

/// What an allocation takes beyond what was asked for.
const OVERHEAD: usize = 16;

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
/// recorder.offer([span]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EncodedSpan {
    bytes: Bytes,
    source: Arc<Source>,
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId,
    is_entry: bool,
    is_error: bool,
    kind: u8,
    http_status: u16,
    start: u64,
    end: u64,
    name: Box<str>,
    error_type: Box<str>,
}

impl EncodedSpan {
    /// Reads the facts of an encoded OTLP `Span`.
    ///
    /// The span keeps `bytes` for as long as it waits for its trace. A slice of a larger buffer keeps all
    /// of that, which [`weight`](EndedSpan::weight) does not count.
    ///
    /// # Errors
    ///
    /// Fails if `bytes` are not a `Span`.
    pub fn new(source: Arc<Source>, bytes: Bytes) -> Result<Self, DecodeError> {
        let head = SpanHead::decode(&*bytes)?;
        let mut span = Self {
            source,
            trace_id: id(&head.trace_id),
            span_id: id(&head.span_id),
            parent_span_id: id(&head.parent_span_id),
            is_entry: head.is_entry(),
            is_error: head.is_error(),
            kind: u8::try_from(head.kind).unwrap_or(0),
            http_status: 0,
            start: head.start,
            end: head.end,
            name: head.name.into(),
            error_type: Box::default(),
            bytes,
        };
        if span.is_entry || span.is_error {
            for attribute in Attributes::decode(&*span.bytes)?.attributes {
                span.note(attribute);
            }
        }
        Ok(span)
    }

    fn note(&mut self, attribute: KeyValue) {
        match (&*attribute.key, attribute.value) {
            ("error.type", Some(AnyValue { value: Some(Value::StringValue(kind)) })) => {
                self.error_type = kind.into();
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
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            is_entry: self.is_entry,
            name: &self.name,
            kind: self.kind,
            start: self.start,
            end: self.end,
            is_error: self.is_error,
            error_type: &self.error_type,
            http_status: self.http_status,
        }
    }

    fn source(&self) -> &Arc<Source> {
        &self.source
    }

    fn weight(&self) -> usize {
        let parts = [size_of::<Self>(), self.bytes.len(), self.name.len(), self.error_type.len()];
        parts.iter().filter(|bytes| **bytes > 0).map(|bytes| bytes + OVERHEAD).sum()
    }

    fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.bytes);
    }
}

/// An id of the right length, or zeros.
pub(crate) fn id<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}
