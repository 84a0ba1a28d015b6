//! One trace: what a list shows of it, and its encoded spans.

use std::sync::Arc;

use super::body::{Body, Kind};
use super::cutting::{cut_log, cut_span};
use super::facts::{EndedSpan, SpanFacts, SpanId, TraceId};
use super::names::shorten;
use super::room::Beyond;
use super::source::Source;

/// The longest `error.type` that is kept.
const MOST_ERROR_TYPE: usize = 128;
/// Errors kept of a trace that is full.
const MORE_ERRORS: u32 = 100;
/// Log records kept of a trace.
const MOST_LOGS: u32 = 1_000;
/// Spans kept of a trace.
const MOST_SPANS: u32 = 10_000;

/// What may be kept of one trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceLimits {
    pub(crate) bytes: usize,
    pub(crate) value: usize,
}

/// What a list shows of a trace.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) id: TraceId,
    pub(crate) name: Box<str>,
    pub(crate) route: Option<Box<str>>,
    pub(crate) error_type: Box<str>,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) spans: u32,
    pub(crate) errors: u32,
    pub(crate) logs: u32,
    /// Spans and log records beyond the limits.
    pub(crate) omitted: u32,
    pub(crate) http_status: u16,
    /// Where the span that names the trace comes from.
    lead: Option<Arc<Source>>,
    /// How good the name is; see [`rank`].
    rank: u8,
    /// Errors that were kept although the trace was full.
    spare: u32,
    /// Whether nothing has come for a while.
    pub(crate) is_complete: bool,
    /// Whether spans of this trace were let go before.
    pub(crate) lacks_earlier: bool,
}

impl Summary {
    fn new(id: TraceId) -> Self {
        Self {
            id,
            name: Box::default(),
            route: None,
            error_type: Box::default(),
            start: u64::MAX,
            end: 0,
            spans: 0,
            errors: 0,
            logs: 0,
            omitted: 0,
            http_status: 0,
            lead: None,
            rank: 0,
            spare: 0,
            is_complete: false,
            lacks_earlier: false,
        }
    }

    pub(crate) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Returns whether the span that everything began with is here.
    pub(crate) fn has_root(&self) -> bool {
        self.rank == 3
    }

    /// Counts spans that ended when the trace was full.
    pub(super) fn overflow(&mut self, beyond: Beyond) {
        self.spans = self.spans.saturating_add(beyond.spans);
        self.omitted = self.omitted.saturating_add(beyond.spans);
        self.errors = self.errors.saturating_add(beyond.errors);
        self.end = self.end.max(beyond.end);
        self.is_complete = false;
    }

    fn add(&mut self, facts: &SpanFacts<'_>, source: &Arc<Source>) {
        self.spans += 1;
        self.errors += u32::from(facts.is_error);
        let earlier = facts.start < self.start;
        self.start = self.start.min(facts.start);
        self.end = self.end.max(facts.end).max(facts.start);
        let rank = rank(facts);
        if rank > self.rank || (rank == self.rank && earlier) {
            self.rank = rank;
            self.name = shorten(facts.name).into();
            self.http_status = facts.http_status;
            self.lead = Some(Arc::clone(source));
            if facts.is_entry {
                self.route = Some(shorten(facts.name).into());
            }
        }
        if facts.is_error && (self.error_type.is_empty() || facts.is_entry) {
            self.error_type = tracewire_text::cut(facts.error_type, MOST_ERROR_TYPE).into();
        }
    }
}

/// How well a span names its trace: the root best, then a request from elsewhere.
fn rank(facts: &SpanFacts<'_>) -> u8 {
    if facts.parent_span_id == SpanId::default() {
        3
    } else if facts.is_entry {
        2
    } else {
        1
    }
}

/// A trace with its encoded spans and log records.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) summary: Summary,
    pub(crate) body: Body,
}

impl Trace {
    pub(crate) fn new(id: TraceId) -> Self {
        Self { summary: Summary::new(id), body: Body::default() }
    }

    /// Makes a trace of which nothing has ended.
    pub(crate) fn begun(id: TraceId, name: &str, start: u64) -> Self {
        let mut trace = Self::new(id);
        trace.summary.name = shorten(name).into();
        trace.summary.start = start;
        trace
    }

    /// Returns the bytes of memory that the trace takes.
    pub(crate) fn weight(&self) -> usize {
        let summary = &self.summary;
        size_of::<Self>()
            + summary.name.len()
            + summary.route.as_ref().map_or(0, |route| route.len())
            + summary.error_type.len()
            + self.body.weight()
    }

    /// Returns the names of the services in it: the one it began in, then the others as they came.
    pub(crate) fn services(&self) -> Vec<&str> {
        let mut services = Vec::new();
        for source in self.summary.lead.iter().chain(self.body.sources()) {
            if !services.contains(&source.service()) {
                services.push(source.service());
            }
        }
        services
    }

    /// Counts a span in the summary, and returns whether it is to be encoded.
    ///
    /// `pending` is the weight of spans that are not encoded yet.
    pub(crate) fn count(
        &mut self,
        span: &dyn EndedSpan,
        pending: usize,
        limits: TraceLimits,
    ) -> bool {
        let facts = &span.facts();
        let summary = &mut self.summary;
        let bytes = self.body.len() + pending;
        let is_full = summary.spans >= MOST_SPANS || bytes >= limits.bytes;
        let is_spare = facts.is_error
            && summary.spare < MORE_ERRORS
            && bytes < limits.bytes + limits.bytes / 4;
        summary.add(facts, span.source());
        if is_full && is_spare {
            summary.spare += 1;
        }
        let fits = !is_full || is_spare;
        summary.omitted += u32::from(!fits);
        fits
    }

    /// Encodes a span at the end of `scratch`, for [`Body::append`].
    pub(crate) fn encode(
        &mut self,
        span: &dyn EndedSpan,
        scratch: &mut Scratch,
        limits: TraceLimits,
    ) {
        scratch.span.clear();
        span.encode(&mut scratch.span);
        cut_span(&mut scratch.span, 0, limits.value);
        if scratch.span.len() > limits.bytes / 2 {
            self.summary.omitted += 1;
            return;
        }
        self.body.write(&mut scratch.entries, Kind::Span, span.source(), &scratch.span);
    }

    /// Encodes a log record at the end of `scratch`, if there is place for it.
    pub(crate) fn encode_log(
        &mut self,
        source: &Arc<Source>,
        encode: impl FnOnce(&mut Vec<u8>),
        scratch: &mut Scratch,
        limits: TraceLimits,
    ) {
        if self.summary.logs >= MOST_LOGS || self.body.len() >= limits.bytes {
            self.summary.omitted += 1;
            return;
        }
        scratch.span.clear();
        encode(&mut scratch.span);
        cut_log(&mut scratch.span, limits.value);
        if scratch.span.len() > limits.bytes / 8 {
            self.summary.omitted += 1;
            return;
        }
        self.summary.logs += 1;
        self.body.write(&mut scratch.entries, Kind::Log, source, &scratch.span);
    }
}

/// Buffers that are used again and again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) span: Vec<u8>,
    pub(crate) entries: Vec<u8>,
}

impl Scratch {
    /// Empties the buffers; what a giant left behind is given back.
    pub(crate) fn clear(&mut self) {
        for buffer in [&mut self.span, &mut self.entries] {
            buffer.clear();
            buffer.shrink_to(64 * 1024);
        }
    }
}
