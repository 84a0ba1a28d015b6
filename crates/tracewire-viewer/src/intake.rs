//! What was received, on its way to the page.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::{DecodeError, Message};
use tracewire_live::{EncodedSpan, EndedSpan, Recorder, SpanId, TraceId};

use crate::messages::{Export, LogHead};
use crate::metrics::Metrics;
use crate::signal::{Signal, Taken};
use crate::tallies::Tallies;

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
    pub(crate) fn take(&self, signal: Signal, request: &[u8]) -> Result<Taken, DecodeError> {
        let taken = match signal {
            Signal::Traces => self.spans(Export::decode(request)?),
            Signal::Logs => self.logs(Export::decode(request)?),
            Signal::Metrics => {
                let request = ExportMetricsServiceRequest::decode(request)?;
                Taken { accepted: self.metrics.take(request), ..Taken::default() }
            }
        };
        self.tallies.taken(signal, &taken);
        Ok(taken)
    }

    /// Notes that a request could not be taken.
    pub(crate) fn refused(&self, signal: Signal, reason: &str) {
        self.tallies.refused(signal, reason);
    }

    fn spans(&self, export: Export) -> Taken {
        let mut taken =
            Taken { reason: "spans that cannot be read or have no ids", ..Taken::default() };
        for resource in export.resources {
            for scoped in resource.scopes {
                let source = self.recorder.source(&resource.resource, &scoped.scope);
                for bytes in scoped.items {
                    // A part of the request would keep the whole of it while the span waits.
                    let bytes = Bytes::copy_from_slice(&bytes);
                    match readable(EncodedSpan::new(Arc::clone(&source), bytes)) {
                        Some(span) => {
                            taken.accepted += 1;
                            taken.first_trace.get_or_insert(span.facts().trace_id);
                            self.recorder.offer([Box::new(span) as Box<dyn EndedSpan>]);
                        }
                        None => taken.rejected += 1,
                    }
                }
            }
        }
        taken
    }

    /// Log records without a trace are accepted, though the page has no place for them.
    fn logs(&self, export: Export) -> Taken {
        let mut taken = Taken { reason: "log records that cannot be read", ..Taken::default() };
        for resource in export.resources {
            for scoped in resource.scopes {
                let source = self.recorder.source(&resource.resource, &scoped.scope);
                for bytes in scoped.items {
                    let Ok(head) = LogHead::decode(&*bytes) else {
                        taken.rejected += 1;
                        continue;
                    };
                    taken.accepted += 1;
                    if let Some(trace) = trace_id(&head.trace_id) {
                        let encode = |into: &mut Vec<u8>| into.extend_from_slice(&bytes);
                        self.recorder.offer_log(trace, &source, encode);
                    }
                }
            }
        }
        taken
    }
}

/// A span that has its ids.
fn readable(span: Result<EncodedSpan, DecodeError>) -> Option<EncodedSpan> {
    let span = span.ok()?;
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
