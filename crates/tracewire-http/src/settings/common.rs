//! The options that servers and clients have in common.

use super::clock::{Clock, SystemClock};
use crate::{
    conventions::{DURATION_BOUNDARIES, SCHEMA_URL},
    grpc::RpcMethods,
    hook::Hook,
    metrics::SeriesLimit,
    outcome::Classify,
    values::{HeaderSelector, KnownMethods, Side},
};
use opentelemetry::{InstrumentationScope, metrics::MeterProvider};
use std::{borrow::Cow, fmt, ops::RangeInclusive, sync::Arc};
use tracewire_exemplar::Exemplars;
use tracewire_propagation::{
    HttpSettings, Propagator,
    providers::{self, AnyTracerProvider},
};
use tracewire_text::SensitiveKeys;

/// The longest attribute value, in bytes, unless set otherwise.
const VALUE_LIMIT: usize = 4096;

/// The options of both sides. Their docs are those of the builder methods that set them.
#[doc(hidden)]
#[derive(Clone)]
pub struct Common {
    pub(crate) known_methods: KnownMethods,
    pub(crate) sensitive_keys: SensitiveKeys,
    pub value_limit: usize,
    pub describe_unsampled: bool,
    pub(crate) request_headers: HeaderSelector,
    pub(crate) response_headers: HeaderSelector,
    /// The status codes that are errors; `None` is what the conventions say.
    pub(crate) error_statuses: Option<Vec<RangeInclusive<u16>>>,
    in_code: InCode,
    pub rpc_methods: Option<RpcMethods>,
    pub active_requests: bool,
    pub body_sizes: bool,
    pub duration_boundaries: Vec<f64>,
    pub classify: Option<Hook<Classify>>,
    pub clock: Arc<dyn Clock>,
    pub tracer_provider: Option<Arc<dyn AnyTracerProvider + Send + Sync>>,
    pub meter_provider: Option<Arc<dyn MeterProvider + Send + Sync>>,
    pub exemplars: Option<Exemplars>,
    pub propagator: Option<Arc<dyn Propagator>>,
    /// Whether the connections of calls are traced.
    #[cfg(feature = "connections")]
    pub connections: bool,
    /// Whether they are measured too.
    #[cfg(feature = "connections")]
    pub connection_metrics: bool,
    /// The series of all that is measured of connections.
    #[cfg(feature = "connections")]
    pub(crate) connection_series: Arc<crate::connections::ConnectionSeries>,
    /// Whether the instruments of a given provider can be bound.
    pub(crate) meter_provider_binds: bool,
    pub(crate) side: Side,
    pub(crate) scope: InstrumentationScope,
    pub(crate) series: Arc<SeriesLimit>,
}

/// Which of the settings that a configuration file may have are set in code.
#[derive(Clone, Copy, Debug, Default)]
struct InCode {
    known_methods: bool,
    sensitive_keys: bool,
    request_headers: bool,
    response_headers: bool,
}

impl Common {
    pub(super) fn new(side: Side, library: &'static str, version: &'static str) -> Self {
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
            error_statuses: None,
            in_code: InCode::default(),
            rpc_methods: None,
            active_requests: false,
            body_sizes: false,
            duration_boundaries: DURATION_BOUNDARIES.to_vec(),
            classify: None,
            clock: Arc::new(SystemClock),
            tracer_provider: None,
            meter_provider: None,
            meter_provider_binds: false,
            exemplars: None,
            propagator: None,
            #[cfg(feature = "connections")]
            connections: false,
            #[cfg(feature = "connections")]
            connection_metrics: false,
            #[cfg(feature = "connections")]
            connection_series: Arc::default(),
            side,
            scope: InstrumentationScope::builder(Cow::Borrowed(library))
                .with_version(version)
                .with_schema_url(SCHEMA_URL)
                .build(),
            series: Arc::default(),
        }
    }
}

impl Common {
    pub fn set_known_methods(&mut self, methods: KnownMethods) {
        self.known_methods = methods;
        self.in_code.known_methods = true;
    }

    pub fn set_sensitive_keys(&mut self, keys: SensitiveKeys) {
        self.sensitive_keys = keys;
        self.in_code.sensitive_keys = true;
    }

    pub fn set_request_headers(&mut self, headers: HeaderSelector) {
        self.request_headers = headers;
        self.in_code.request_headers = true;
    }

    pub fn set_response_headers(&mut self, headers: HeaderSelector) {
        self.response_headers = headers;
        self.in_code.response_headers = true;
    }

    /// The same where the process has a configuration file, which counts in place of all variables.
    /// Code wins over it.
    pub(super) fn with_file(mut self, file: &HttpSettings) -> Self {
        let side = match self.side {
            Side::Server => &file.server,
            Side::Client => &file.client,
        };
        if !self.in_code.known_methods {
            self.known_methods = match &side.known_methods {
                Some(methods) => KnownMethods::new(methods.iter().map(String::as_str)),
                None => KnownMethods::default(),
            };
        }
        if !self.in_code.sensitive_keys {
            self.sensitive_keys = match &file.sensitive_query_parameters {
                Some(keys) => SensitiveKeys::new(keys.iter().map(String::as_str)),
                None => SensitiveKeys::default(),
            };
        }
        if !self.in_code.request_headers {
            self.request_headers = HeaderSelector::new(&side.request_headers);
            self.request_headers = self.request_headers.with_names(&side.header_attributes);
        }
        if !self.in_code.response_headers {
            self.response_headers = HeaderSelector::new(&side.response_headers);
            self.response_headers = self.response_headers.with_names(&side.header_attributes);
        }
        self.error_statuses.clone_from(&side.error_statuses);
        self
    }
}

impl Common {
    /// Measures with `provider`, through bound instruments if it is OpenTelemetry's SDK.
    pub fn set_meter_provider<P: MeterProvider + Send + Sync + 'static>(&mut self, provider: P) {
        self.meter_provider = Some(Arc::new(provider));
        self.meter_provider_binds = providers::is_sdk::<P>();
    }

    /// The store that exemplars of durations go to. That of the process belongs to the global meter
    /// provider.
    pub(crate) fn exemplars(&self) -> Option<Exemplars> {
        match &self.exemplars {
            None if self.meter_provider.is_none() => tracewire_exemplar::installed(),
            given => given.clone(),
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
