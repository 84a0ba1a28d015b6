//! Generators of ids.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::Caller;

/// `generator`, with a random id where it panics.
pub(crate) fn id_generator(generator: impl IdGenerator + 'static) -> impl IdGenerator {
    Contained { generator, caller: Caller::new("an id generator") }
}

#[derive(Debug)]
struct Contained<G> {
    generator: G,
    caller: Caller,
}

impl<G: IdGenerator> IdGenerator for Contained<G> {
    fn new_trace_id(&self) -> TraceId {
        let id = self.caller.call(|| self.generator.new_trace_id());
        id.unwrap_or_else(|| RandomIdGenerator::default().new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        let id = self.caller.call(|| self.generator.new_span_id());
        id.unwrap_or_else(|| RandomIdGenerator::default().new_span_id())
    }
}
