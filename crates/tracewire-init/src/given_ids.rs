//! Trace ids that load balancers gave.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracewire_propagation::take_given_trace_id;

/// A generator of random ids, which uses the trace id that a load balancer gave for the trace that begins.
///
/// [`init`](crate::init) installs it, unless you set another generator. For an SDK of your own, install it
/// yourself.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracewire_init::GivenTraceIds;
///
/// let provider = SdkTracerProvider::builder().with_id_generator(GivenTraceIds::default()).build();
/// # drop(provider);
/// ```
#[derive(Clone, Debug, Default)]
pub struct GivenTraceIds(RandomIdGenerator);

impl IdGenerator for GivenTraceIds {
    fn new_trace_id(&self) -> TraceId {
        take_given_trace_id().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}
