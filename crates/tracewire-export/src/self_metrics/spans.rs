//! How many spans were started, by what the sampler said, and how many have not ended.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

const RESULTS: [&str; 3] = ["DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE"];
const ORIGINS: [&str; 3] = ["none", "local", "remote"];

/// The spans of one set-up, by sampling result.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    /// By the origin of the parent, too.
    started: [[AtomicU64; ORIGINS.len()]; RESULTS.len()],
    ended: [AtomicU64; RESULTS.len()],
}

/// A count and its attributes.
pub(crate) type Counted = (u64, Vec<KeyValue>);

impl SpanCounts {
    fn start(&self, decision: &SamplingDecision, parent: Option<&Context>) {
        let result = match decision {
            SamplingDecision::Drop => 0,
            SamplingDecision::RecordOnly => 1,
            SamplingDecision::RecordAndSample => 2,
        };
        self.started[result][origin(parent)].fetch_add(1, Relaxed);
    }

    /// A span that was recorded has ended.
    pub(crate) fn end(&self, span: &SpanContext) {
        self.ended[if span.is_sampled() { 2 } else { 1 }].fetch_add(1, Relaxed);
    }

    /// Spans that were started: `otel.sdk.span.started`.
    pub(crate) fn started(&self) -> impl Iterator<Item = Counted> {
        self.started.iter().zip(RESULTS).flat_map(|(origins, result)| {
            origins.iter().zip(ORIGINS).filter_map(move |(count, origin)| {
                let attributes = || {
                    let origin = KeyValue::new("otel.span.parent.origin", origin);
                    vec![KeyValue::new("otel.span.sampling_result", result), origin]
                };
                let count = count.load(Relaxed);
                (count > 0).then(|| (count, attributes()))
            })
        })
    }

    /// Recorded spans that have not ended: `otel.sdk.span.live`.
    pub(crate) fn live(&self) -> impl Iterator<Item = Counted> {
        // The ends are read before the starts, so that none is counted as ended before it started.
        let ended: [u64; RESULTS.len()] = array::from_fn(|at| self.ended[at].load(Relaxed));
        self.started.iter().zip(ended).zip(RESULTS).skip(1).filter_map(
            |((origins, ended), result)| {
                let started: u64 = origins.iter().map(|count| count.load(Relaxed)).sum();
                let attributes = vec![KeyValue::new("otel.span.sampling_result", result)];
                (started > 0).then(|| (started.saturating_sub(ended), attributes))
            },
        )
    }
}

fn origin(parent: Option<&Context>) -> usize {
    let Some(parent) = parent.filter(|parent| parent.has_active_span()) else { return 0 };
    let parent = parent.span();
    match parent.span_context() {
        parent if !parent.is_valid() => 0,
        parent if parent.is_remote() => 2,
        _ => 1,
    }
}

/// A sampler whose decisions are counted, as [`Exports::counted`](crate::Exports::counted) makes it.
#[derive(Clone, Debug)]
pub struct CountedSampler<S> {
    pub(crate) sampler: S,
    pub(crate) counts: Arc<SpanCounts>,
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for CountedSampler<S> {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self.sampler.should_sample(parent, trace, name, kind, attributes, links);
        self.counts.start(&result.decision, parent);
        result
    }
}
