//! The settings of one layer or middleware.

mod clock;
mod lookup;
mod options;

pub use self::clock::Clock;
pub(crate) use self::lookup::Resolved;

use self::{clock::SystemClock, lookup::Lookup};
use crate::{
    conventions::{DURATION_BOUNDARIES, SCHEMA_URL},
    grpc::RpcMethods,
    hook::Hook,
    metrics::SeriesLimit,
    outcome::Classify,
    values::{HeaderSelector, KnownMethods, Side},
};
use opentelemetry::{
    InstrumentationScope, global::ObjectSafeTracerProvider, metrics::MeterProvider,
};
use std::{borrow::Cow, fmt, sync::Arc};
use tracewire_propagation::Propagator;
use tracewire_text::SensitiveKeys;

/// The longest attribute value, in bytes, unless set otherwise.
const VALUE_LIMIT: usize = 4096;

/// The settings of one layer or middleware: what servers and clients have in common, and what only
/// its own side has, `O`.
///
/// Use it as [`ServerSettings`](crate::wiring::ServerSettings) or
/// [`ClientSettings`](crate::wiring::ClientSettings).
///
/// Providers and propagator that are not given are the process's own. They are looked up **at the
/// first exchange**, not here: OpenTelemetry's globals hand out tracers and instruments that never
/// have an effect if they are taken before the provider is set. While no tracer provider is set,
/// they are looked up again, at most once a second.
#[derive(Clone)]
#[must_use = "settings do nothing until an exchange starts with them"]
pub struct Settings<O> {
    common: Common,
    own: O,
    /// What they resolved to. A clone starts with an empty one.
    lookup: Lookup,
}

impl<O> Settings<O> {
    pub(crate) fn with_own(
        side: Side,
        library: &'static str,
        version: &'static str,
        own: O,
    ) -> Self {
        Self { common: Common::new(side, library, version), own, lookup: Lookup::default() }
    }

    /// The options that both sides have.
    #[doc(hidden)]
    pub fn common_mut(&mut self) -> &mut Common {
        self.lookup = Lookup::default();
        &mut self.common
    }

    /// The options of this side alone.
    #[doc(hidden)]
    pub fn own_mut(&mut self) -> &mut O {
        &mut self.own
    }

    pub(crate) fn own(&self) -> &O {
        &self.own
    }

    /// Looks at what the settings resolve to now. Threads that look at once do not write to anything
    /// they share.
    pub(crate) fn resolved<T>(&self, look: impl FnOnce(&Arc<Resolved>) -> T) -> T {
        self.lookup.with(&self.common, look)
    }
}

impl<O: fmt::Debug> fmt::Debug for Settings<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("common", &self.common)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

/// The options that servers and clients have in common. Their docs are those of the builder methods
/// that set them.
#[doc(hidden)]
#[derive(Clone)]
pub struct Common {
    pub known_methods: KnownMethods,
    pub sensitive_keys: SensitiveKeys,
    pub value_limit: usize,
    pub describe_unsampled: bool,
    pub request_headers: HeaderSelector,
    pub response_headers: HeaderSelector,
    pub rpc_methods: Option<RpcMethods>,
    pub active_requests: bool,
    pub body_sizes: bool,
    pub duration_boundaries: Vec<f64>,
    pub classify: Option<Hook<Classify>>,
    pub clock: Arc<dyn Clock>,
    pub tracer_provider: Option<Arc<dyn ObjectSafeTracerProvider + Send + Sync>>,
    pub meter_provider: Option<Arc<dyn MeterProvider + Send + Sync>>,
    pub propagator: Option<Arc<dyn Propagator>>,
    pub(crate) side: Side,
    pub(crate) scope: InstrumentationScope,
    pub(crate) series: Arc<SeriesLimit>,
}

impl Common {
    fn new(side: Side, library: &'static str, version: &'static str) -> Self {
        let (request_headers, response_headers) = match side {
            Side::Server => (
                "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS",
                "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS",
            ),
            Side::Client => (
                "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
                "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS",
            ),
        };
        Self {
            known_methods: KnownMethods::from_env(),
            sensitive_keys: SensitiveKeys::default(),
            value_limit: VALUE_LIMIT,
            describe_unsampled: false,
            request_headers: HeaderSelector::from_env(request_headers),
            response_headers: HeaderSelector::from_env(response_headers),
            rpc_methods: None,
            active_requests: false,
            body_sizes: false,
            duration_boundaries: DURATION_BOUNDARIES.to_vec(),
            classify: None,
            clock: Arc::new(SystemClock),
            tracer_provider: None,
            meter_provider: None,
            propagator: None,
            side,
            scope: InstrumentationScope::builder(Cow::Borrowed(library))
                .with_version(version)
                .with_schema_url(SCHEMA_URL)
                .build(),
            series: Arc::default(),
        }
    }
}

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Common")
            .field("side", &self.side)
            .field("scope", &self.scope)
            .field("known_methods", &self.known_methods)
            .field("sensitive_keys", &self.sensitive_keys)
            .field("value_limit", &self.value_limit)
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}
