//! What was received, on its way to the page.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use prost::Message;
use tracewire_live::{EncodedSpan, EndedSpan, Recorder, Source, SpanId, TraceId};

use crate::export::{Export, Group, NotTaken};
use crate::messages::LogHead;
use crate::metrics::Metrics;
use crate::signal::{Signal, Taken};
use crate::tallies::Tallies;

/// The largest span, log record or metric. None larger is kept, and decoding one takes a multiple of it.
const MOST_ITEM: usize = 2 * 1024 * 1024;

/// Brings spans, log records and metrics to the page.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    recorder: Recorder,
    metrics: Arc<Metrics>,
    tallies: Arc<Tallies>,
}

impl Intake {
    pub(crate) fn new(recorder: &Recorder) -> Self {
        let (metrics, tallies) = (Arc::<Metrics>::default(), Arc::<Tallies>::default());
        let (shown_metrics, shown_tallies) = (Arc::clone(&metrics), Arc::clone(&tallies));
        recorder.set_metrics(move || shown_metrics.rows());
        recorder.set_telemetry(move || shown_tallies.rows());
        Self { recorder: recorder.clone(), metrics, tallies }
    }

    /// Takes the encoded request of a signal.
    ///
    /// # Errors
    ///
    /// Fails if it is no such request; then nothing of it is taken.
    pub(crate) fn take(&self, signal: Signal, request: &[u8]) -> Result<Taken, NotTaken> {
        let export = Export::parse(request)?;
        let mut taken = Taken::of(signal);
        for group in export.groups() {
            let source = self.recorder.source(group.resource, group.scope);
            match signal {
                Signal::Traces => self.spans(&source, group, &mut taken),
                Signal::Logs => self.logs(&source, group, &mut taken),
                Signal::Metrics => self.metrics(&source, group, &mut taken),
            }
        }
        self.tallies.taken(signal, &taken);
        Ok(taken)
    }

    /// Notes that a request could not be taken.
    pub(crate) fn refused(&self, signal: Signal, reason: &str) {
        self.tallies.refused(signal, reason);
    }

    fn spans(&self, source: &Arc<Source>, group: Group<'_>, taken: &mut Taken) {
        let first = &mut taken.first_trace;
        let (mut accepted, mut rejected) = (0, 0);
        self.recorder.offer(group.items().filter_map(|bytes| {
            let span = readable(source, bytes);
            match &span {
                Some(span) => {
                    accepted += 1;
                    first.get_or_insert(span.facts().trace_id);
                }
                None => rejected += 1,
            }
            span
        }));
        taken.accepted += accepted;
        taken.rejected += rejected;
    }

    /// Log records without a trace are accepted, though the page has no place for them.
    fn logs(&self, source: &Arc<Source>, group: Group<'_>, taken: &mut Taken) {
        for bytes in group.items() {
            let head = Some(bytes).filter(|bytes| bytes.len() <= MOST_ITEM);
            let Some(Ok(head)) = head.map(LogHead::decode) else {
                taken.rejected += 1;
                continue;
            };
            taken.accepted += 1;
            if let Some(trace) = trace_id(&head.trace_id) {
                let encode = |into: &mut Vec<u8>| into.extend_from_slice(bytes);
                self.recorder.offer_log(trace, source, encode);
            }
        }
    }

    fn metrics(&self, source: &Arc<Source>, group: Group<'_>, taken: &mut Taken) {
        for bytes in group.items() {
            let metric = Some(bytes).filter(|bytes| bytes.len() <= MOST_ITEM).map(Metric::decode);
            match metric {
                Some(Ok(metric)) => taken.accepted += self.metrics.take(source.service(), metric),
                _ => taken.rejected += 1,
            }
        }
    }
}

/// A span that has its ids and is not too large.
fn readable(source: &Arc<Source>, bytes: &[u8]) -> Option<EncodedSpan> {
    if bytes.len() > MOST_ITEM {
        return None;
    }
    // A part of the request would keep the whole of it while the span waits.
    let bytes = Bytes::copy_from_slice(bytes);
    let span = EncodedSpan::new(Arc::clone(source), bytes).ok()?;
    let facts = span.facts();
    (facts.trace_id != TraceId::default() && facts.span_id != SpanId::default()).then_some(span)
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    TraceId::try_from(bytes).ok().filter(|id| *id != TraceId::default())
}

/// The bytes of a request that came as a message of `opentelemetry-proto`.
pub(crate) fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}
