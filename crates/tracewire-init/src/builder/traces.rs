//! Settings of traces.

use std::fmt;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{
    IdGenerator, ShouldSample, SpanLimits, SpanProcessor, TracerProviderBuilder,
};
use tracewire_sampling::Sampler;

use crate::builder::{Batching, Otlp, TracesExporter, Zipkin};
use crate::config::sampling::{Root, SamplerChoice};
use crate::contained;
use crate::settings::{Merge, Setting, in_code, settings};

settings! {
    /// Settings of traces, for [`Builder::traces`](crate::Builder::traces).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracewire_init::{Batching, Traces, TracesExporter};
    ///
    /// let traces = Traces::new()
    ///     .exporters([TracesExporter::otlp(), TracesExporter::console()])
    ///     .batching(Batching::new().delay(Duration::from_secs(1)))
    ///     .sampling_ratio(0.1)
    ///     .baggage_attributes(["tenant.id"]);
    /// # drop(traces);
    /// ```
    pub struct Traces {
        exporters: Setting<Vec<TracesExporter>>,
        otlp: Otlp,
        zipkin: Zipkin,
        batching: Batching,
        sampler: Setting<SamplerChoice>,
        attributes: Setting<usize>,
        events: Setting<usize>,
        links: Setting<usize>,
        event_attributes: Setting<usize>,
        link_attributes: Setting<usize>,
        value_length: Setting<usize>,
        baggage_attributes: Setting<Vec<String>>,
        id_generator: Setting<Box<dyn IdGenerator>>,
        /// False where a configuration file has no provider of tracers.
        has_provider: Setting<bool>,
        /// Whether spans that are recorded without being sampled are exported over OTLP too.
        unsampled: Setting<bool>,
        /// Processors of vendors, before all others.
        vendor_processors: Vec<AddProcessor>,
        processors_first: Vec<AddProcessor>,
        processors: Vec<AddProcessor>,
    }
}

/// Adds a span processor that code gave.
pub(crate) type AddProcessor =
    Box<dyn FnOnce(TracerProviderBuilder) -> TracerProviderBuilder + Send>;

impl Traces {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where spans go (`OTEL_TRACES_EXPORTER`); OTLP unless set, and an empty list is nowhere.
    pub fn exporters(mut self, exporters: impl IntoIterator<Item = TracesExporter>) -> Self {
        self.exporters = in_code(exporters.into_iter().collect());
        self
    }

    /// Sets how spans are sent over OTLP (`OTEL_EXPORTER_OTLP_TRACES_*`), before what
    /// [`Builder::otlp`](crate::Builder::otlp) says.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.otlp = over(otlp, self.otlp);
        self
    }

    /// Sets how spans are sent to Zipkin (`OTEL_EXPORTER_ZIPKIN_*`).
    pub fn zipkin(mut self, zipkin: Zipkin) -> Self {
        self.zipkin = over(zipkin, self.zipkin);
        self
    }

    /// Sets how spans wait for their export (`OTEL_BSP_*`).
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = over(batching, self.batching);
        self
    }

    /// Sets the sampler (`OTEL_TRACES_SAMPLER`).
    ///
    /// It goes through [`Sampler::wrap`]: spans below a request that is not traced are dropped, a span
    /// without ids is no parent, and the SDK's parent-based sampler honors what a format says beyond
    /// the sampled flag. Where it panics, the span is dropped.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = in_code(SamplerChoice::Given(Sampler::wrap(sampler)));
        self
    }

    /// Sets which part of the traces is sampled where no caller decided, from 0 to 1, as the sampler
    /// `parentbased_traceidratio` does. It replaces [`sampler`](Self::sampler).
    ///
    /// A ratio outside of 0 to 1 is an error of [`init`](crate::Builder::init).
    pub fn sampling_ratio(mut self, ratio: f64) -> Self {
        let root = Root::Ratio(ratio);
        self.sampler = in_code(SamplerChoice::Named { root, is_parent_based: true });
        self
    }

    /// Sets how many attributes, events and links a span may have (`OTEL_SPAN_*_COUNT_LIMIT` and
    /// `OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT`); 128 of each unless set.
    pub fn limits(mut self, limits: SpanLimits) -> Self {
        let limit = |number: u32| in_code(usize::try_from(number).unwrap_or(usize::MAX));
        self.attributes = limit(limits.max_attributes_per_span);
        self.events = limit(limits.max_events_per_span);
        self.links = limit(limits.max_links_per_span);
        self.event_attributes = limit(limits.max_attributes_per_event);
        self.link_attributes = limit(limits.max_attributes_per_link);
        self
    }

    /// Sets the longest attribute value, and description of a status, in characters; the rest is cut
    /// off (`OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`). No limit unless set.
    pub fn attribute_value_length(mut self, characters: usize) -> Self {
        self.value_length = in_code(characters);
        self
    }

    /// Copies baggage members with these keys to each span, as attributes of the same name, as
    /// [`BaggageAttributes`](crate::BaggageAttributes) does. No member is copied unless set.
    pub fn baggage_attributes(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.baggage_attributes = in_code(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Sets what makes the ids of traces and spans; random ones unless set.
    ///
    /// Where it panics, the id is random. Samplers by probability need trace ids whose last seven bytes are uniformly random.
    pub fn id_generator(mut self, generator: impl IdGenerator + 'static) -> Self {
        self.id_generator = in_code(Box::new(contained::id_generator(generator)));
        self
    }

    /// Adds a span processor after the exporters and those that were added before.
    ///
    /// A processor after the exporters sees spans as they are exported, and cannot change them. The SDK
    /// clones each span for every further processor. A panic in it is warned of and ends nothing else; one
    /// that hangs holds up whatever calls it.
    pub fn processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(added(processor));
        self
    }

    /// Adds a span processor before the exporters, and after those that were added before, such as one
    /// that gives each span an attribute as it starts.
    pub fn processor_first(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors_first.push(added(processor));
        self
    }
}

pub(crate) fn added(processor: impl SpanProcessor + 'static) -> AddProcessor {
    let processor = contained::span_processor(processor);
    Box::new(move |provider| provider.with_span_processor(processor))
}

impl Traces {
    /// Whether there is no provider at all: a file has none, and code names nothing for one.
    pub(crate) fn is_without_provider(&self) -> bool {
        let is_off = self.has_provider.as_ref().is_some_and(|given| !given.value);
        let no_exporter = self.exporters.as_ref().is_none_or(|given| given.value.is_empty());
        let no_processor = self.processors_first.is_empty() && self.processors.is_empty();
        is_off && no_exporter && no_processor
    }
}

/// Settings over earlier ones of the same kind.
pub(crate) fn over<T: Merge>(mut later: T, earlier: T) -> T {
    later.complete(earlier, &mut crate::plan::Plan::default());
    later
}

/// An id generator for the SDK, which takes no box.
pub(crate) struct BoxedGenerator(pub(crate) Box<dyn IdGenerator>);

impl IdGenerator for BoxedGenerator {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

impl fmt::Debug for BoxedGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// These exporters, and nothing else set.
impl<const N: usize> From<[TracesExporter; N]> for Traces {
    fn from(exporters: [TracesExporter; N]) -> Self {
        Self::new().exporters(exporters)
    }
}
