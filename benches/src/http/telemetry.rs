//! The SDK as a service has it: a batch processor and a periodic reader, whose exporters drop.

use opentelemetry::{Context, KeyValue, global, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality,
        data::{AggregatedMetrics, MetricData, ResourceMetrics},
        exporter::PushMetricExporter,
    },
    propagation::{BaggagePropagator, TraceContextPropagator},
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter,
        SpanProcessor,
    },
};
use std::{
    future::{Future, ready},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracewire_propagation::{
    default_propagator, moves_trace_state,
    providers::{Binding, Unboxed},
    put_back_trace_state, set_default, set_drop_unsampled, set_moves_trace_state,
};

/// So long that no span is lost and no reader runs while something is measured.
pub(super) const QUEUE: usize = 1 << 16;
const INTERVAL: Duration = Duration::from_secs(3600);

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many spans.
    pub spans: u64,
    /// The name of the last one.
    pub name: String,
    /// The attributes of the last one, in order of their names.
    pub span: Vec<(String, String)>,
    /// Its trace state.
    pub trace_state: String,
    /// How many durations.
    pub durations: u64,
    /// The attributes of the durations, in order of their names.
    pub duration: Vec<(String, String)>,
}

/// The providers of this process.
pub(crate) struct Telemetry {
    pub(super) tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
    pub(super) seen: Seen,
    /// Flushes what a variant installed beside.
    pub(super) flush_others: fn(),
}

/// What the exporters saw, shared with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<Recorded>>);

impl Telemetry {
    /// Installs providers whose exporters drop.
    pub(crate) fn install() -> Self {
        let seen = Seen::default();
        let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
        let processor = BatchSpanProcessor::builder(seen.clone()).with_batch_config(config).build();
        let processor = PutsBack(processor);
        let tracer_provider = SdkTracerProvider::builder().with_span_processor(processor).build();
        let reader = PeriodicReader::builder(seen.clone()).with_interval(INTERVAL).build();
        let meter_provider = SdkMeterProvider::builder().with_reader(reader).build();
        Self { seen, ..Self::of(tracer_provider, meter_provider) }.set_global()
    }

    /// Providers whose exporters are somebody else's matter.
    pub(crate) fn of(tracer_provider: SdkTracerProvider, meter_provider: SdkMeterProvider) -> Self {
        Self { tracer_provider, meter_provider, seen: Seen::default(), flush_others: || {} }
    }

    /// The same, for all that look for them globally, with OpenTelemetry's own propagator.
    pub(crate) fn set_global(self) -> Self {
        global::set_tracer_provider(self.tracer_provider.clone());
        global::set_meter_provider(self.meter_provider.clone());
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        self
    }

    /// Says what the providers are and how they sample, as `tracewire::init` does: a layer takes the
    /// concrete tracer, binds instruments, moves the trace state, and starts no span whose caller did not
    /// sample it.
    pub(crate) fn set_as_init_does(&mut self) {
        global::set_tracer_provider(Unboxed(self.tracer_provider.clone()));
        global::set_meter_provider(Binding(self.meter_provider.clone()));
        set_drop_unsampled(true);
        set_moves_trace_state(true);
        set_default(default_propagator());
    }

    /// Exports what is left. What that loses the collector misses, and who asks it will know.
    pub(crate) fn shutdown(self) {
        let _ = self.tracer_provider.shutdown();
        let _ = self.meter_provider.shutdown();
    }

    pub(crate) fn recorded(self) -> Recorded {
        self.tracer_provider.force_flush().expect("the exporter never fails");
        self.meter_provider.force_flush().expect("the exporter never fails");
        (self.flush_others)();
        self.seen.recorded()
    }
}

impl Seen {
    pub(super) fn span(
        &self,
        name: &str,
        attributes: impl Iterator<Item = (String, String)>,
        trace_state: String,
        count: usize,
    ) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.spans += count as u64;
        name.clone_into(&mut recorded.name);
        recorded.span = sorted(attributes);
        recorded.trace_state = trace_state;
    }

    fn recorded(&self) -> Recorded {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The SDK's batch processor, which takes the trace state as tracewire's own processor does.
#[derive(Debug)]
struct PutsBack(BatchSpanProcessor);

impl SpanProcessor for PutsBack {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if moves_trace_state() {
            put_back_trace_state(&mut span.span_context);
        }
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

impl SpanExporter for Seen {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        if let Some(last) = batch.last() {
            let attributes = last.attributes.iter().map(text);
            self.span(
                &last.name,
                attributes,
                last.span_context.trace_state().header(),
                batch.len(),
            );
        }
        ready(Ok(()))
    }
}

impl PushMetricExporter for Seen {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
        for metric in metrics.filter(|metric| metric.name().ends_with(".duration")) {
            if let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() {
                let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                recorded.durations = histogram.data_points().map(|point| point.count()).sum();
                if let Some(point) = histogram.data_points().next() {
                    recorded.duration = sorted(point.attributes().map(text));
                }
            }
        }
        ready(Ok(()))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn text(attribute: &KeyValue) -> (String, String) {
    (attribute.key.to_string(), attribute.value.to_string())
}

fn sorted(attributes: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort();
    attributes
}
