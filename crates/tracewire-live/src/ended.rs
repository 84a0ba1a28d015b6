//! Spans on the thread that ends them.

use crate::recorder::Recorder;
use crate::store::{Arrival, Ended, EndedSpan, SpanFacts, TraceId};

/// Arrivals that are taken before readers have their turn.
const AT_ONCE: usize = 8;

impl Recorder {
    /// Takes a span on the thread that ends it: a request that
    /// [`request_started`](Self::request_started) listed, or a span within it.
    ///
    /// Spans within a request wait for its end. Then it is decided whether its trace is kept, here and at
    /// once, so that ordinary traces beyond the rate cost little. Returns what is to be kept, for
    /// [`bring`](Self::bring); another thread should do that, as it encodes. If it cannot be brought, call
    /// [`lost`](Self::lost).
    ///
    /// `span` is called if the span waits or is returned; it will take so many bytes of memory as `weight`
    /// says. Spans of traces without a listed request are returned, and decided about by the store. So are
    /// those of requests that run for more than 2 seconds, have more than 64 spans or are looked at.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tracewire_live::{EndedSpan, Live, Recorder, RequestStart, Source, SpanFacts};
    ///
    /// struct MySpan(Arc<Source>);
    ///
    /// impl EndedSpan for MySpan {
    ///     fn facts(&self) -> SpanFacts<'_> {
    ///         let (trace_id, span_id) = ([1; 16], [2; 8]);
    ///         SpanFacts { trace_id, span_id, is_entry: true, name: "GET /", ..SpanFacts::default() }
    ///     }
    ///     fn source(&self) -> &Arc<Source> {
    ///         &self.0
    ///     }
    ///     fn weight(&self) -> usize {
    ///         size_of::<Self>()
    ///     }
    ///     fn encode(&self, into: &mut Vec<u8>) {}
    /// }
    ///
    /// let recorder = Live::new().build();
    /// let (trace_id, span_id, name) = ([1; 16], [2; 8], Arc::from("GET"));
    /// recorder.request_started(RequestStart { trace_id, span_id, start: 0, name, path: "/" });
    /// let span = MySpan(recorder.source(b"", b""));
    /// let facts = span.facts();
    /// let kept = recorder.ended(&facts, span.weight(), || Box::new(MySpan(Arc::clone(&span.0))));
    /// assert!(kept.is_some()); // the first of its kind
    /// recorder.bring(kept);
    /// ```
    pub fn ended(
        &self,
        facts: &SpanFacts<'_>,
        weight: usize,
        span: impl FnOnce() -> Box<dyn EndedSpan>,
    ) -> Option<Arrival> {
        let (running, gate) = (self.running(), self.gate());
        let mut span = Some(span);
        let mut boxed = || span.take().map(|span| span());
        let ended = if facts.is_entry {
            running.request_ended(facts, gate, self.clock().at_end(facts.end))
        } else {
            running.span_held(facts, gate, weight, &mut boxed)
        };
        match ended {
            Ended::Here => None,
            Ended::Brought(mut spans, admitted) => {
                spans.extend(boxed());
                Some(Arrival { trace_id: facts.trace_id, spans, admitted })
            }
        }
    }

    /// Takes what [`ended`](Self::ended) returned. What is kept is encoded, on the calling thread.
    pub fn bring(&self, arrivals: impl IntoIterator<Item = Arrival>) {
        self.take(arrivals, AT_ONCE, |store, arrival, now| store.bring(arrival, now));
    }

    /// Returns the spans that wait with the requests of a trace, if there are any. Spans that end in these
    /// requests do not wait from now on. To be called before a log record of the trace is brought, which
    /// joins the spans that the store has.
    pub fn held(&self, trace_id: TraceId) -> Option<Arrival> {
        let spans = self.running().pass_on(&trace_id);
        (!spans.is_empty()).then_some(Arrival { trace_id, spans, admitted: None })
    }

    /// Counts spans that could not be brought as [missed](Self::missed).
    pub fn lost(&self, arrival: Arrival) {
        self.missed(arrival.spans.len() as u64);
        if let Some(root) = arrival.admitted {
            self.gate().take_back(&arrival.trace_id, root);
        }
    }
}
