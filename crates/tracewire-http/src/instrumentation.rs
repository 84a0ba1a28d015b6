//! The settings of one layer or middleware, and what they resolve to at the first exchange.

use crate::{
    Clock, Ending, HeaderSelector, KnownMethods, RpcMethods, SensitiveKeys, Verdict,
    clock::SystemClock,
    conventions::{DURATION_BOUNDARIES, SCHEMA_URL},
    exchange::SeriesLimit,
    instruments::{Instruments, Optional, Side},
    outcome::Classifier,
};
use arc_swap::ArcSwapOption;
use http::HeaderMap;
use opentelemetry::{
    Context, InstrumentationScope,
    global::{self, BoxedTracer, ObjectSafeTracerProvider},
    metrics::MeterProvider,
    otel_debug,
    trace::{
        Span, SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
        Tracer,
    },
};
use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tracewire_propagation::{
    Propagator, default_propagator, default_version, remove_propagation_headers,
};

/// How long a look-up that found no tracer provider is believed.
const RETRY: Duration = Duration::from_secs(1);

/// The longest attribute value, in bytes, unless set otherwise.
const VALUE_LIMIT: usize = 4096;

/// The settings of one layer or middleware.
///
/// Providers and propagator that are not given are the process's own. They are looked up **at the
/// first exchange**, not here: OpenTelemetry's globals hand out tracers and instruments that stay
/// without effect for ever when they are taken before the provider is set. While no tracer
/// provider is set they are looked up again, at most once a second.
#[derive(Clone)]
pub struct Instrumentation {
    pub(crate) side: Side,
    pub(crate) known_methods: KnownMethods,
    pub(crate) sensitive_keys: SensitiveKeys,
    pub(crate) value_limit: usize,
    pub(crate) describe_unsampled: bool,
    pub(crate) client_port: bool,
    pub(crate) synthetic_user_agents: bool,
    pub(crate) request_headers: HeaderSelector,
    pub(crate) response_headers: HeaderSelector,
    pub(crate) rpc_methods: Option<RpcMethods>,
    classifier: Option<Classifier>,
    clock: Arc<dyn Clock>,
    scope: InstrumentationScope,
    boundaries: Vec<f64>,
    optional: Optional,
    tracer_provider: Option<Arc<dyn ObjectSafeTracerProvider + Send + Sync>>,
    meter_provider: Option<Arc<dyn MeterProvider + Send + Sync>>,
    propagator: Option<Arc<dyn Propagator>>,
    series: Arc<SeriesLimit>,
    resolved: ResolvedCell,
}

impl Instrumentation {
    /// Settings for a server, whose telemetry is attributed to this library and version.
    pub fn server(library: &'static str, version: &'static str) -> Self {
        Self::new(Side::Server, library, version)
    }

    /// Settings for a client, whose telemetry is attributed to this library and version.
    pub fn client(library: &'static str, version: &'static str) -> Self {
        Self::new(Side::Client, library, version)
    }

    fn new(side: Side, library: &'static str, version: &'static str) -> Self {
        Self {
            side,
            known_methods: KnownMethods::from_env(),
            sensitive_keys: SensitiveKeys::default(),
            value_limit: VALUE_LIMIT,
            describe_unsampled: false,
            client_port: false,
            synthetic_user_agents: false,
            request_headers: HeaderSelector::from_env(match side {
                Side::Server => "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
                Side::Client => "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
            }),
            response_headers: HeaderSelector::from_env(match side {
                Side::Server => "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
                Side::Client => "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
            }),
            rpc_methods: None,
            classifier: None,
            clock: Arc::new(SystemClock),
            scope: InstrumentationScope::builder(Cow::Borrowed(library))
                .with_version(version)
                .with_schema_url(SCHEMA_URL)
                .build(),
            boundaries: DURATION_BOUNDARIES.to_vec(),
            optional: Optional::default(),
            tracer_provider: None,
            meter_provider: None,
            propagator: None,
            series: Arc::default(),
            resolved: ResolvedCell::default(),
        }
    }

    /// Starts spans with this provider instead of the global one.
    #[must_use]
    pub fn tracer_provider<P>(mut self, provider: P) -> Self
    where
        P: ObjectSafeTracerProvider + Send + Sync + 'static,
    {
        self.tracer_provider = Some(Arc::new(provider));
        self
    }

    /// Measures with this provider instead of the global one.
    #[must_use]
    pub fn meter_provider<P>(mut self, provider: P) -> Self
    where
        P: MeterProvider + Send + Sync + 'static,
    {
        self.meter_provider = Some(Arc::new(provider));
        self
    }

    /// Reads and writes headers with this propagator instead of the process's default.
    #[must_use]
    pub fn propagator(mut self, propagator: impl Propagator + 'static) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// Records these methods by name. Default: the conventions' ten, or
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`.
    #[must_use]
    pub fn known_methods(mut self, methods: KnownMethods) -> Self {
        self.known_methods = methods;
        self
    }

    /// Redacts the values of these query keys. Default: [`SensitiveKeys::default`].
    #[must_use]
    pub fn sensitive_keys(mut self, keys: SensitiveKeys) -> Self {
        self.sensitive_keys = keys;
        self
    }

    /// Cuts text from outside to this many bytes an attribute. Default: 4096.
    #[must_use]
    pub fn value_limit(mut self, bytes: usize) -> Self {
        self.value_limit = bytes;
        self
    }

    /// Counts the exchanges under way in an up-down counter. Default: no, as in the conventions.
    #[must_use]
    pub fn active_requests(mut self, count: bool) -> Self {
        self.optional.active_requests = count;
        self
    }

    /// Measures the sizes of request and response bodies, as metrics and on the span. Default: no,
    /// as in the conventions.
    ///
    /// A size that is only declared, by `Content-Length`, is recorded up to 1 TiB.
    #[must_use]
    pub fn body_sizes(mut self, measure: bool) -> Self {
        self.optional.body_sizes = measure;
        self
    }

    /// Describes the span to the sampler even under a remote parent that is not sampled.
    ///
    /// Default: no. Samplers that follow the parent drop such a span whatever its attributes, so
    /// building them would be wasted work; a sampler of another kind may want them.
    #[must_use]
    pub fn describe_unsampled(mut self, describe: bool) -> Self {
        self.describe_unsampled = describe;
        self
    }

    /// The bucket boundaries of the duration histogram, in seconds. Default:
    /// [`DURATION_BOUNDARIES`].
    #[must_use]
    pub fn duration_boundaries(mut self, seconds: impl Into<Vec<f64>>) -> Self {
        self.boundaries = seconds.into();
        self
    }

    /// Captures these request headers as attributes of the span. Default: none, or what
    /// `OTEL_INSTRUMENTATION_HTTP_{SERVER,CLIENT}_CAPTURE_REQUEST_HEADERS` names.
    #[must_use]
    pub fn capture_request_headers(mut self, headers: HeaderSelector) -> Self {
        self.request_headers = headers;
        self
    }

    /// Captures these response headers as attributes of the span. Default: none, or what
    /// `OTEL_INSTRUMENTATION_HTTP_{SERVER,CLIENT}_CAPTURE_RESPONSE_HEADERS` names.
    #[must_use]
    pub fn capture_response_headers(mut self, headers: HeaderSelector) -> Self {
        self.response_headers = headers;
        self
    }

    /// Records `client.port` on server spans of HTTP. Default: no.
    #[must_use]
    pub fn client_port(mut self, record: bool) -> Self {
        self.client_port = record;
        self
    }

    /// Records `user_agent.synthetic.type` of server exchanges. Default: no.
    #[must_use]
    pub fn synthetic_user_agents(mut self, record: bool) -> Self {
        self.synthetic_user_agents = record;
        self
    }

    /// Records gRPC calls by the conventions for remote procedure calls instead of HTTP's.
    ///
    /// Requests of content type `application/grpc` are then `rpc.*` spans, measured by
    /// `rpc.server.call.duration` or `rpc.client.call.duration`; others stay HTTP. Methods that are
    /// not among `methods` are recorded as `_OTHER`.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn grpc(mut self, methods: RpcMethods) -> Self {
        self.rpc_methods = Some(methods);
        self.optional.rpc = true;
        self
    }

    /// Lets `classify` judge whether an exchange ended in an error.
    ///
    /// It is asked once an exchange, when it ends; if it panics, the conventions' verdict stands.
    #[must_use]
    pub fn classify(
        mut self,
        classify: impl Fn(&Ending<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.classifier = Some(Classifier::new(classify));
        self
    }

    /// Takes the time from this clock. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// `parent` with what `headers` carry added to it.
    pub fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        self.with(|now| now.propagator.extract(headers, parent))
    }

    /// Writes what `context` carries into `headers`.
    pub fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.with(|now| now.propagator.inject(context, headers));
    }

    /// Removes from `headers` whatever any known format writes, and what [`inject`](Self::inject)
    /// may write besides.
    pub(crate) fn remove_injected(&self, headers: &mut HeaderMap) {
        remove_propagation_headers(headers);
        self.with(|now| {
            for name in now.propagator.header_names() {
                headers.remove(name);
            }
        });
    }

    /// Whether anything records: there is a tracer that has an effect, or a meter.
    ///
    /// Where not, all there is to do is to pass the trace on: [`Exchange::unrecorded`].
    ///
    /// [`Exchange::unrecorded`]: crate::Exchange::unrecorded
    pub fn records(&self) -> bool {
        self.with(|now| now.records)
    }

    /// The tracer, instruments and propagator to use now, for as long as an exchange takes.
    pub(crate) fn resolve(&self) -> Arc<Resolved> {
        self.with(Arc::clone)
    }

    /// Looks at what to use now. Threads that look at once do not write to anything they share.
    fn with<T>(&self, look: impl FnOnce(&Arc<Resolved>) -> T) -> T {
        let generation = default_version();
        if let Some(resolved) = &*self.resolved.0.load()
            && resolved.generation == generation
            && resolved.believed_until.is_none_or(|until| Instant::now() < until)
        {
            return look(resolved);
        }
        let resolved = Arc::new(self.look_up(generation));
        self.resolved.0.store(Some(resolved.clone()));
        look(&resolved)
    }

    fn look_up(&self, generation: u64) -> Resolved {
        let scope = self.scope.clone();
        let tracer = match &self.tracer_provider {
            Some(provider) => BoxedTracer::new(provider.boxed_tracer(scope)),
            None => global::tracer_with_scope(scope),
        };
        let tracer = Some(tracer).filter(has_effect);
        if tracer.is_none() {
            note_missing_provider();
        }
        let scope = self.scope.clone();
        let meters = self.meter_provider.clone().unwrap_or_else(global::meter_provider);
        let meter = meters.meter_with_scope(scope);
        let measures = self.meter_provider.is_some() || !is_placeholder(&*meters);
        let given = self.tracer_provider.is_some() || tracer.is_some();
        Resolved {
            generation,
            believed_until: (!given).then(|| Instant::now() + RETRY),
            records: tracer.is_some() || measures,
            tracer,
            instruments: Instruments::new(&meter, self.side, &self.boundaries, self.optional),
            propagator: self.propagator.clone().unwrap_or_else(default_propagator),
            series: self.series.clone(),
            classifier: self.classifier.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// Says once in the life of the process that exchanges are not recorded.
fn note_missing_provider() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        otel_debug!(
            name: "Exchange.NoTracerProvider",
            message = "no tracer provider is set, so headers are passed on and no span is recorded; \
                       call tracewire::init(), or set a provider of your own, before serving"
        );
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumentation")
            .field("side", &self.side)
            .field("scope", &self.scope)
            .field("known_methods", &self.known_methods)
            .field("sensitive_keys", &self.sensitive_keys)
            .field("value_limit", &self.value_limit)
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}

/// What the settings resolved to.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// Whether anything has an effect; where not, only headers are passed on.
    pub(crate) records: bool,
    /// The tracer, unless spans started with it have no effect.
    pub(crate) tracer: Option<BoxedTracer>,
    pub(crate) instruments: Instruments,
    pub(crate) series: Arc<SeriesLimit>,
    pub(crate) classifier: Option<Classifier>,
    pub(crate) clock: Arc<dyn Clock>,
    propagator: Arc<dyn Propagator>,
    generation: u64,
    believed_until: Option<Instant>,
}

/// The last look-up. A clone of the settings starts with an empty one.
#[derive(Debug, Default)]
struct ResolvedCell(ArcSwapOption<Resolved>);

impl Clone for ResolvedCell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Whether spans of this tracer do anything.
///
/// A no-op tracer answers with its parent's span context. An SDK makes a span id of its own, or,
/// as here, under suppressed telemetry, none: so that asking never leaves a span behind.
fn has_effect(tracer: &BoxedTracer) -> bool {
    let probe = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let context = Context::new().with_remote_span_context(probe).with_telemetry_suppressed();
    let span = tracer.build_with_context(SpanBuilder::from_name("probe"), &context);
    span.span_context().span_id() != SpanId::from(1)
}

/// Whether these are the meters that stand where nobody has set any.
///
/// OpenTelemetry does not say so, but its placeholder holds nothing, and whatever records at least
/// points to its readers.
fn is_placeholder(meters: &(dyn MeterProvider + Send + Sync)) -> bool {
    size_of_val(meters) == 0
}
