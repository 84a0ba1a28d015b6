//! Spans as they begin and end.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId as Id, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use tracewire_export::SpanSink;
use tracewire_export::wiring::encode_span;
use tracewire_live::{EndedSpan, Recorder, RequestStart, Source, SpanFacts};

use super::entry::take_entry;
use super::queue::Queue;
use super::scopes::Scopes;

/// Takes spans on the thread that starts and ends them.
pub(super) struct LiveSpans {
    queue: Arc<Queue>,
    recorder: Recorder,
    scopes: Arc<Scopes>,
}

impl LiveSpans {
    pub(super) fn new(queue: &Arc<Queue>, recorder: &Recorder, scopes: &Arc<Scopes>) -> Self {
        let (queue, scopes) = (Arc::clone(queue), Arc::clone(scopes));
        Self { queue, recorder: recorder.clone(), scopes }
    }
}

impl fmt::Debug for LiveSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSpans").finish_non_exhaustive()
    }
}

impl SpanSink for LiveSpans {
    fn start(&self, span: &SpanContext) {
        let trace_id = span.trace_id().to_bytes();
        let is_request = take_entry(span.trace_id(), |name, path| {
            self.recorder.request_started(RequestStart {
                trace_id,
                span_id: span.span_id().to_bytes(),
                start: nanos(SystemTime::now()),
                name,
                path,
            });
        });
        if !is_request {
            self.recorder.span_started(trace_id);
        }
    }

    fn offer(&self, span: &Arc<SpanData>, bytes: usize) {
        // Not through the queue, which may refuse: the request would appear to run for ever.
        // Attributes are read where the span is kept: a decision needs none.
        let ended = self.recorder.ended(&facts(span), Ended::weight_of(bytes), || {
            let source = self.scopes.source(&self.recorder, &span.instrumentation_scope);
            Box::new(Ended { span: Arc::clone(span), source, bytes })
        });
        if let Some(spans) = ended {
            self.queue.push_spans(&self.recorder, spans);
        }
    }

    fn flush(&self, deadline: Instant) -> OTelSdkResult {
        in_time(self.queue.flush(deadline, false), deadline)
    }

    fn shutdown(&self, deadline: Instant) -> OTelSdkResult {
        in_time(self.queue.flush(deadline, true), deadline)
    }
}

fn in_time(done: bool, deadline: Instant) -> OTelSdkResult {
    let late = || Instant::now().saturating_duration_since(deadline).max(Duration::from_millis(1));
    if done { Ok(()) } else { Err(OTelSdkError::Timeout(late())) }
}

/// A span that ended, shared with the exporters.
pub(super) struct Ended {
    pub(super) span: Arc<SpanData>,
    pub(super) source: Arc<Source>,
    /// What the span takes.
    pub(super) bytes: usize,
}

impl Ended {
    fn weight_of(bytes: usize) -> usize {
        size_of::<Self>() + bytes
    }
}

impl EndedSpan for Ended {
    fn facts(&self) -> SpanFacts<'_> {
        let mut facts = facts(&self.span);
        if facts.is_entry || facts.is_error {
            self.span.attributes.iter().for_each(|attribute| note(&mut facts, attribute));
        }
        facts
    }

    fn source(&self) -> &Arc<Source> {
        &self.source
    }

    fn weight(&self) -> usize {
        Self::weight_of(self.bytes)
    }

    fn encode(&self, into: &mut Vec<u8>) {
        encode_span(&self.span, into);
    }
}

/// What is known without the attributes.
fn facts(span: &SpanData) -> SpanFacts<'_> {
    SpanFacts {
        trace_id: span.span_context.trace_id().to_bytes(),
        span_id: span.span_context.span_id().to_bytes(),
        parent_span_id: span.parent_span_id.to_bytes(),
        is_entry: is_entry(span),
        name: &span.name,
        kind: kind(&span.span_kind),
        start: nanos(span.start_time),
        end: nanos(span.end_time),
        is_error: matches!(span.status, Status::Error { .. }),
        error_type: "",
        http_status: 0,
    }
}

fn note<'a>(facts: &mut SpanFacts<'a>, attribute: &'a KeyValue) {
    match (attribute.key.as_str(), &attribute.value) {
        ("error.type", Value::String(kind)) => facts.error_type = kind.as_str(),
        ("http.response.status_code", Value::I64(status)) => {
            facts.http_status = u16::try_from(*status).unwrap_or_default();
        }
        _ => {}
    }
}

fn is_entry(span: &SpanData) -> bool {
    span.parent_span_id == Id::INVALID || span.parent_span_is_remote
}

/// OTLP's number.
fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// Nanoseconds since the Unix epoch.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().saturating_mul(1_000_000_000).saturating_add(since.subsec_nanos().into())
}

#[cfg(test)]
pub(super) mod tests {
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    pub(in crate::live::on) fn span(name: &'static str) -> SpanData {
        let context = SpanContext::new(
            TraceId::from(7),
            Id::from(7),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        SpanData {
            span_context: context,
            parent_span_id: Id::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Server,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH + Duration::from_nanos(5),
            end_time: SystemTime::UNIX_EPOCH + Duration::from_nanos(9),
            attributes: vec![
                KeyValue::new("error.type", "500"),
                KeyValue::new("http.response.status_code", 500),
            ],
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::error("gone"),
            instrumentation_scope: InstrumentationScope::builder("test").build(),
        }
    }

    pub(in crate::live::on) fn arrival(recorder: &Recorder) -> tracewire_live::Arrival {
        let source = recorder.source(b"", b"");
        let ended = Ended { span: Arc::new(span("s")), source, bytes: 0 };
        let facts = ended.facts();
        let span = || -> Box<dyn EndedSpan> {
            Box::new(Ended {
                span: Arc::clone(&ended.span),
                source: Arc::clone(&ended.source),
                bytes: 0,
            })
        };
        recorder.ended(&facts, Ended::weight_of(0), span).expect("its request is not listed")
    }

    #[test]
    fn facts_are_those_of_the_encoded_span() {
        let recorder = tracewire_live::Live::new().build();
        let source = recorder.source(b"", b"");
        let mut child = span("GET /items");
        child.parent_span_id = Id::from(9);
        child.attributes = Vec::new();
        child.status = Status::Unset;
        child.span_kind = SpanKind::Client;
        let mut entry = span("GET /items");
        entry.parent_span_id = Id::from(9);
        entry.parent_span_is_remote = true;
        for span in [span("GET /items"), child, entry] {
            let bytes = 100;
            let ended = Ended { span: Arc::new(span), source: Arc::clone(&source), bytes };
            let mut encoded = Vec::new();
            ended.encode(&mut encoded);
            let read = tracewire_live::EncodedSpan::new(Arc::clone(&source), encoded.into());
            assert_eq!(read.unwrap().facts(), ended.facts());
        }
    }
}
