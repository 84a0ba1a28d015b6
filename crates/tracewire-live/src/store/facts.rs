//! What the store has to know of a span before it decides whether to encode it.

use std::sync::Arc;

use super::source::Source;

/// The 16 bytes of a trace id.
pub type TraceId = [u8; 16];

/// The 8 bytes of a span id; all zero where there is none.
pub type SpanId = [u8; 8];

/// Describes a span by borrowing from it.
///
/// ```
/// use tracewire_live::SpanFacts;
///
/// let facts = SpanFacts {
///     trace_id: [1; 16],
///     span_id: [2; 8],
///     is_entry: true,
///     name: "GET /orders/{id}",
///     ..SpanFacts::default()
/// };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanFacts<'a> {
    /// The trace's id. A span without one is refused.
    pub trace_id: TraceId,
    /// The span's own id.
    pub span_id: SpanId,
    /// The parent's id, or zeros.
    pub parent_span_id: SpanId,
    /// Whether the span has no parent in the same process: it is a root, or its parent is remote.
    /// When such a span ends, the store decides whether to keep the trace.
    pub is_entry: bool,
    /// The span's name. For entry spans it names the route.
    pub name: &'a str,
    /// OTLP's `SpanKind`, 0 to 5.
    pub kind: u8,
    /// Start, in nanoseconds since the Unix epoch.
    pub start: u64,
    /// End, in nanoseconds since the Unix epoch.
    pub end: u64,
    /// Whether the span's status is an error.
    pub is_error: bool,
    /// The attribute `error.type`, or an empty string.
    pub error_type: &'a str,
    /// The attribute `http.response.status_code`, or 0.
    pub http_status: u16,
}

impl SpanFacts<'_> {
    /// Returns how long the span took, in nanoseconds: 0 if its clock went backwards.
    pub fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// A span that has ended and can be encoded later, if the store decides to keep its trace.
///
/// Under load most traces are not kept, so implementations should make [`facts`](Self::facts) cheap
/// and do the work in [`encode`](Self::encode).
///
/// ```
/// use std::sync::Arc;
/// use tracewire_live::{EndedSpan, Source, SpanFacts};
///
/// struct MySpan {
///     name: String,
///     source: Arc<Source>,
/// }
///
/// impl EndedSpan for MySpan {
///     fn facts(&self) -> SpanFacts<'_> {
///         SpanFacts { trace_id: [1; 16], span_id: [2; 8], name: &self.name, ..SpanFacts::default() }
///     }
///
///     fn source(&self) -> &Arc<Source> {
///         &self.source
///     }
///
///     fn weight(&self) -> usize {
///         self.name.len()
///     }
///
///     fn encode(&self, into: &mut Vec<u8>) {
///         // append the bytes of OTLP's `Span`
///     }
/// }
/// ```
pub trait EndedSpan: Send {
    /// Describes the span.
    fn facts(&self) -> SpanFacts<'_>;

    /// Returns the resource and scope that the span came from.
    fn source(&self) -> &Arc<Source>;

    /// Returns the bytes of memory that keeping this value costs, itself included.
    fn weight(&self) -> usize;

    /// Appends the protobuf encoding of an OTLP `Span` to `into`.
    fn encode(&self, into: &mut Vec<u8>);

    /// Moves the span to the heap. A span that is there stays where it is.
    fn boxed(self) -> Box<dyn EndedSpan>
    where
        Self: Sized + 'static,
    {
        Box::new(self)
    }
}

impl EndedSpan for Box<dyn EndedSpan> {
    fn facts(&self) -> SpanFacts<'_> {
        (**self).facts()
    }

    fn source(&self) -> &Arc<Source> {
        (**self).source()
    }

    fn weight(&self) -> usize {
        (**self).weight()
    }

    fn encode(&self, into: &mut Vec<u8>) {
        (**self).encode(into);
    }

    fn boxed(self) -> Box<dyn EndedSpan> {
        self
    }
}

impl std::fmt::Debug for dyn EndedSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EndedSpan").field(&self.facts().name).finish()
    }
}
