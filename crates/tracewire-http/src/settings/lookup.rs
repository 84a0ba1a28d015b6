//! What the settings resolve to: looked up at the first exchange, and kept.

#[cfg(all(test, shuttle))]
mod model;

use super::common::Common;
use crate::client::{ServicePeers, Urls};
#[cfg(feature = "connections")]
use crate::connections::{ConnectionInstruments, marking, telling};
use crate::exchange::span_id;
use crate::metrics::{Instruments, Keeping, Optional};
use crate::server::Paths;
use crate::sync::step;
use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, global,
    metrics::MeterProvider,
    otel_debug,
    trace::{SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tracewire_propagation::{
    Extracted, HttpSettings, Propagator, Wanted, default_propagator, default_version,
    describe_unsampled, drop_unsampled, http_settings, moves_trace_state,
    providers::{self, AnyTracer, FoundTracer},
    remove_propagation_headers,
};

/// How long a look-up that found no tracer provider is believed.
const RETRY: Duration = Duration::from_secs(1);

/// The last look-up. A clone starts with an empty one.
#[derive(Debug, Default)]
pub(super) struct Lookup(ArcSwapOption<Resolved>);

impl Clone for Lookup {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Lookup {
    pub(super) fn with<T>(&self, common: &Common, look: impl FnOnce(&Arc<Resolved>) -> T) -> T {
        let generation = default_version();
        step();
        if let Some(resolved) = &*self.0.load()
            && resolved.generation == generation
            && resolved.believed_until.is_none_or(|until| Instant::now() < until)
        {
            return look(resolved);
        }
        let resolved = Arc::new(Resolved::new(common, generation));
        step();
        self.0.store(Some(resolved.clone()));
        look(&resolved)
    }
}

/// What the process's configuration file says in place of variables.
#[derive(Debug)]
pub(crate) struct OfFile {
    pub(crate) excluded_paths: Paths,
    pub(crate) excluded_urls: Urls,
    pub(crate) service_peers: ServicePeers,
}

impl OfFile {
    fn new(file: &HttpSettings) -> Self {
        Self {
            excluded_paths: Paths::new(&file.excluded_paths),
            excluded_urls: Urls::new(&file.excluded_urls),
            service_peers: ServicePeers::of_pairs(&file.service_peers),
        }
    }
}

/// What the settings of a layer or middleware resolved to: all that an exchange needs of them.
pub(crate) struct Resolved {
    /// Whether anything has an effect; where not, only headers are passed on.
    pub(crate) records: bool,
    /// The tracer, unless spans started with it have no effect.
    pub(crate) tracer: Option<Arc<dyn AnyTracer>>,
    /// Whether the tracer's sampler and span processors are those that [`drop_unsampled`] and
    /// [`moves_trace_state`] speak of.
    global_sampler: bool,
    pub(crate) instruments: Instruments,
    /// What is measured of connections, where that is.
    #[cfg(feature = "connections")]
    pub(crate) connections: Option<ConnectionInstruments>,
    pub(crate) options: Common,
    /// What the process's configuration file says; `None` without a file.
    pub(crate) file: Option<OfFile>,
    propagator: Arc<dyn Propagator>,
    /// The headers that it writes beside those of known formats.
    own_headers: Vec<HeaderName>,
    generation: u64,
    believed_until: Option<Instant>,
}

impl Resolved {
    fn new(common: &Common, generation: u64) -> Self {
        let scope = common.scope.clone();
        let (tracer, global_sampler) = match &common.tracer_provider {
            Some(provider) => (provider.any_tracer(scope), false),
            None => {
                let FoundTracer { tracer, is_unboxed } = providers::tracer(scope);
                (tracer, is_unboxed)
            }
        };
        let tracer = Some(tracer).filter(|tracer| has_effect(&**tracer));
        if tracer.is_none() {
            note_missing_provider();
        }
        #[cfg(feature = "connections")]
        let tracer = if common.connections { tracer.map(marking) } else { tracer };
        let meters = common.meter_provider.clone().unwrap_or_else(global::meter_provider);
        let (meter, binds) = providers::meter(&*meters, common.scope.clone());
        let binds = binds || common.meter_provider_binds;
        let measures = common.meter_provider.is_some() || !is_placeholder(&*meters);
        let given = common.tracer_provider.is_some() || tracer.is_some();
        let optional = Optional {
            active_requests: common.active_requests,
            body_sizes: common.body_sizes,
            rpc: common.rpc_methods.is_some(),
            bound: binds,
        };
        let exemplars = common.exemplars();
        let file = http_settings();
        let keeping = Keeping {
            boundaries: &common.duration_boundaries,
            exemplars: exemplars.as_ref(),
            scope: &common.scope,
        };
        let propagator = common.propagator.clone().unwrap_or_else(default_propagator);
        #[cfg_attr(not(feature = "connections"), allow(unused_mut))]
        let mut options = match &file {
            Some(file) => common.clone().with_file(file),
            None => common.clone(),
        };
        #[cfg(feature = "connections")]
        if options.connections {
            options.classify = Some(telling(options.classify.take()));
        }
        Self {
            generation,
            believed_until: (!given).then(|| Instant::now() + RETRY),
            records: tracer.is_some() || measures,
            tracer,
            global_sampler,
            instruments: Instruments::new(&meter, common.side, keeping, optional),
            #[cfg(feature = "connections")]
            connections: (measures && common.connection_metrics)
                .then(|| ConnectionInstruments::new(&meter, keeping)),
            own_headers: unknown_headers(&*propagator),
            propagator,
            options,
            file: file.map(|file| OfFile::new(&file)),
        }
    }

    /// Returns `parent` with what `headers` carry added to it.
    pub(crate) fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        self.propagator.extract(headers, parent)
    }

    /// Does the same for a request: below a caller who did not sample it may have no span, and then the
    /// service's own span id may be in the context already; below any other caller the trace state may
    /// come apart.
    pub(crate) fn extract_for_span(&self, headers: &HeaderMap, parent: &Context) -> Extracted {
        let wanted = Wanted {
            own: self.drops_unsampled().then_some(span_id::random),
            apart: self.has_global_sampler() && moves_trace_state(),
        };
        self.propagator.extract_for_span(headers, parent, wanted)
    }

    /// Whether no span is started under a caller who did not sample: what the sampler would do, without
    /// asking it.
    pub(crate) fn drops_unsampled(&self) -> bool {
        self.has_global_sampler()
            && drop_unsampled()
            && !self.options.describe_unsampled
            && !describe_unsampled()
    }

    fn has_global_sampler(&self) -> bool {
        self.tracer.is_some() && self.global_sampler
    }

    /// Writes what `context` carries into `headers`.
    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.propagator.inject(context, headers);
    }

    /// Removes from `headers` whatever any known format writes, and what [`inject`](Self::inject)
    /// may write besides.
    pub(crate) fn remove_injected(&self, headers: &mut HeaderMap) {
        remove_propagation_headers(headers);
        for name in &self.own_headers {
            headers.remove(name);
        }
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("records", &self.records)
            .field("options", &self.options)
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}

/// The headers that `propagator` writes and no known format has.
fn unknown_headers(propagator: &dyn Propagator) -> Vec<HeaderName> {
    let names = propagator.header_names().iter();
    let mut headers = names.map(|name| (name.clone(), HeaderValue::from_static(""))).collect();
    remove_propagation_headers(&mut headers);
    headers.into_iter().filter_map(|(name, _)| name).collect()
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

/// Whether spans of this tracer do anything.
///
/// A no-op tracer answers with its parent's span context. An SDK makes a span id of its own, or,
/// as here, under suppressed telemetry, none: so that asking never leaves a span behind.
fn has_effect(tracer: &dyn AnyTracer) -> bool {
    let probe = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let context = Context::new().with_remote_span_context(probe).with_telemetry_suppressed();
    let (context, _) = tracer.start(SpanBuilder::from_name("probe"), &context);
    context.span().span_context().span_id() != SpanId::from(1)
}

/// Whether these are the meters that stand in where none were set.
///
/// OpenTelemetry does not say so, but its placeholder holds nothing, and whatever records at least
/// points to its readers.
fn is_placeholder(meters: &(dyn MeterProvider + Send + Sync)) -> bool {
    size_of_val(meters) == 0
}
