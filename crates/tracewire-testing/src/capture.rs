//! Providers whose telemetry stays in the test.

use crate::{Log, Logs, Metrics, Span, Spans, Wait, store::Store, value::sorted};
use opentelemetry::{
    Context, InstrumentationScope, KeyValue,
    context::{FutureExt, WithContext},
    global::ObjectSafeTracerProvider,
    metrics::MeterProvider,
    trace::{Span as _, SpanId},
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest, logs::v1::LogRecord,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord, SdkLoggerProvider},
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
    trace::{SdkTracerProvider, SpanData, SpanProcessor, TracerProviderBuilder},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Captures the telemetry of one test.
///
/// It has providers of its own, to be given to what is tested. Where nothing can be given, as to
/// custom spans deep inside a handler, the context carries them: see [`run`](Self::run).
///
/// ```
/// # use opentelemetry::trace::{Tracer, TracerProvider};
/// # use tracewire_testing::Capture;
/// let capture = Capture::new();
/// let tracer = capture.tracer_provider().tracer("library under test");
/// tracer.in_span("work", |_| ());
/// capture.spans().one("work").is_root();
/// ```
#[derive(Clone, Debug)]
pub struct Capture {
    state: Store<State>,
    tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
    logger_provider: SdkLoggerProvider,
    metrics: Store<Metrics>,
}

#[derive(Debug, Default)]
struct State {
    /// Names of the spans that have started and not ended.
    open: HashMap<SpanId, String>,
    ended: Vec<Span>,
    logs: Vec<Log>,
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl Capture {
    /// A capture of every span.
    pub fn new() -> Self {
        Self::with(|spans| spans)
    }

    /// A capture with a tracer provider made your way: another sampler, limits, processors in front.
    ///
    /// ```
    /// # use opentelemetry_sdk::trace::Sampler;
    /// # use tracewire_testing::Capture;
    /// let capture = Capture::with(|spans| spans.with_sampler(Sampler::AlwaysOff));
    /// ```
    pub fn with(configure: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder) -> Self {
        let (state, metrics) = (Store::new(State::default()), Store::new(Metrics::default()));
        // Sampled whatever the environment says, so that tests mean the same everywhere.
        let spans = SdkTracerProvider::builder()
            .with_sampler(opentelemetry_sdk::trace::Sampler::ParentBased(Box::new(
                opentelemetry_sdk::trace::Sampler::AlwaysOn,
            )))
            .with_resource(Resource::builder_empty().build());
        let reader = PeriodicReader::builder(Latest(metrics.clone()))
            // Read on demand, never by the clock.
            .with_interval(Duration::from_secs(24 * 60 * 60))
            .build();
        Self {
            tracer_provider: configure(spans).with_span_processor(Keep::new(&state)).build(),
            meter_provider: SdkMeterProvider::builder().with_reader(reader).build(),
            logger_provider: SdkLoggerProvider::builder()
                .with_log_processor(Keep::new(&state))
                .build(),
            state,
            metrics,
        }
    }

    /// The tracer provider, for layers and middleware.
    pub fn tracer_provider(&self) -> SdkTracerProvider {
        self.tracer_provider.clone()
    }

    /// The meter provider, for layers and middleware.
    pub fn meter_provider(&self) -> SdkMeterProvider {
        self.meter_provider.clone()
    }

    /// The logger provider, for bridges from logging libraries.
    pub fn logger_provider(&self) -> SdkLoggerProvider {
        self.logger_provider.clone()
    }

    /// The current context, with the providers in it.
    ///
    /// They are values of the types `Arc<dyn ObjectSafeTracerProvider + Send + Sync>` and
    /// `Arc<dyn MeterProvider + Send + Sync>`, which `tracewire-span` looks for before it uses the
    /// global ones. Layers and middleware do not look there: give them theirs.
    pub fn context(&self) -> Context {
        let tracers: Arc<dyn ObjectSafeTracerProvider + Send + Sync> =
            Arc::new(self.tracer_provider());
        let meters: Arc<dyn MeterProvider + Send + Sync> = Arc::new(self.meter_provider());
        Context::current_with_value(tracers).with_value(meters)
    }

    /// Runs a future, or a stream, with the providers in its [context](Self::context).
    pub fn run<T>(&self, work: T) -> WithContext<T> {
        work.with_context(self.context())
    }

    /// Runs a closure with the providers in its [context](Self::context).
    pub fn in_scope<T>(&self, scope: impl FnOnce() -> T) -> T {
        let _guard = self.context().attach();
        scope()
    }

    /// The spans that have ended by now.
    pub fn spans(&self) -> Spans {
        self.state.read(|state| Spans::new(state.ended.clone()))
    }

    /// Waits until at least one span has ended and none is open.
    pub fn finished(&self) -> Wait<Spans> {
        self.wait(|state| state.open.is_empty() && !state.ended.is_empty())
    }

    /// Waits until as many spans have ended, or more.
    pub fn ended(&self, count: usize) -> Wait<Spans> {
        self.wait(move |state| state.ended.len() >= count)
    }

    /// Waits until a span of this name has ended.
    pub fn ended_named(&self, name: &str) -> Wait<Spans> {
        let name = name.to_owned();
        self.wait(move |state| state.ended.iter().any(|span| span.name == name))
    }

    fn wait(&self, done: impl Fn(&State) -> bool + Send + 'static) -> Wait<Spans> {
        let (state, seen) = (self.state.clone(), self.state.clone());
        let spans = |state: &State| Spans::new(state.ended.clone());
        Wait::new(
            move |waker| state.poll(waker, |state| done(state).then(|| spans(state))),
            move || {
                seen.read(|state| {
                    let mut open: Vec<_> = state.open.values().cloned().collect();
                    open.sort();
                    format!("still open: {open:?}\n\nended:\n{}", spans(state))
                })
            },
        )
    }

    /// The metrics as they stand now. Does not block on anything but the reading of them.
    ///
    /// # Panics
    ///
    /// If the meter provider has been shut down.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        self.metrics.change(|metrics| *metrics = Metrics::default());
        self.meter_provider.force_flush().expect("the meter provider is not shut down");
        self.metrics.read(Metrics::clone)
    }

    /// The log records emitted so far.
    pub fn logs(&self) -> Logs {
        self.state.read(|state| Logs(state.logs.clone()))
    }

    /// Forgets what has ended and what was logged; open spans stay awaited.
    pub fn clear(&self) {
        self.state.change(|state| {
            state.ended.clear();
            state.logs.clear();
        });
    }
}

/// Keeps spans and logs as they come.
#[derive(Debug)]
struct Keep {
    state: Store<State>,
    resource: Vec<KeyValue>,
}

impl Keep {
    fn new(state: &Store<State>) -> Self {
        Self { state: state.clone(), resource: Vec::new() }
    }
}

impl SpanProcessor for Keep {
    fn on_start(&self, span: &mut opentelemetry_sdk::trace::Span, _context: &Context) {
        let name = span.exported_data().map_or_else(String::new, |span| span.name.into_owned());
        let id = span.span_context().span_id();
        self.state.change(|state| state.open.insert(id, name));
    }

    fn on_end(&self, data: SpanData) {
        let (id, scope) = (data.span_context.span_id(), data.instrumentation_scope.clone());
        let mut span = Span::from_proto(data.into());
        span.scope = scope.name().to_owned();
        span.scope_version = scope.version().unwrap_or_default().to_owned();
        span.schema_url = scope.schema_url().unwrap_or_default().to_owned();
        span.resource.clone_from(&self.resource);
        self.state.change(|state| {
            state.open.remove(&id);
            state.ended.push(span);
        });
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        let pairs = resource.iter();
        self.resource = sorted(pairs.map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    }
}

impl LogProcessor for Keep {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let log = Log::from_proto(LogRecord::from(&*record), scope.name().to_owned());
        self.state.change(|state| state.logs.push(log));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
}

/// Keeps the metrics of the latest reading.
struct Latest(Store<Metrics>);

impl PushMetricExporter for Latest {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let request = ExportMetricsServiceRequest::from(metrics);
        self.0.change(|latest| *latest = Metrics::from_proto(request.resource_metrics));
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}
