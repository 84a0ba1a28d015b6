//! The settings of one client.

use super::{ClientRequest, ClientResponse, Destinations, ServicePeers, UrlTemplates, Urls};
use crate::{
    hook::Hook,
    settings::{Resolved, Settings},
    values::Side,
};
use http::HeaderMap;

/// The settings of one client layer or middleware.
///
/// ```
/// use tracewire_http::{Destinations, wiring::ClientSettings};
///
/// let settings = ClientSettings::new("my-client", "1.0.0").destinations(Destinations::all());
/// # let _ = settings;
/// ```
pub type ClientSettings = Settings<ClientOptions>;

/// Whether a call is traced.
type Filter = dyn Fn(&ClientRequest<'_>) -> bool + Send + Sync;

/// Whether a response is a stream.
type IsStream = dyn Fn(&ClientResponse<'_>) -> Option<bool> + Send + Sync;

/// The options that only clients have. Their docs are those of the builder methods that set them.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub destinations: Destinations,
    pub url_templates: UrlTemplates,
    pub end_at_body: bool,
    pub excluded: Urls,
    pub filter: Option<Hook<Filter>>,
    pub is_stream: Option<Hook<IsStream>>,
    pub service_peers: Option<ServicePeers>,
    service_peers_by_environment: ServicePeers,
    excluded_by_environment: Urls,
}

impl ClientSettings {
    /// The defaults, for a client whose telemetry is attributed to this library and version.
    pub fn new(library: &'static str, version: &'static str) -> Self {
        let own = ClientOptions {
            destinations: Destinations::new(),
            url_templates: UrlTemplates::default(),
            end_at_body: false,
            excluded: Urls::default(),
            filter: None,
            is_stream: None,
            service_peers: None,
            service_peers_by_environment: ServicePeers::from_env(),
            excluded_by_environment: Urls::from_env("TRACEWIRE_EXCLUDED_URLS"),
        };
        Self::with_own(Side::Client, library, version, own)
    }

    /// Removes from `headers` what `destination` may not be told, and leaves the rest of the trace.
    ///
    /// `destination` is a host; empty where it is not known.
    pub fn restrict(&self, destination: &str, headers: &mut HeaderMap) {
        let allowed = self.own().destinations.allow(destination);
        self.resolved(|resolved| allowed.restrict(resolved, headers));
    }

    /// Traces the connections of calls: see [`Connections`](crate::wiring::Connections). Default: no.
    #[cfg(feature = "connections")]
    pub fn trace_connections(&mut self, trace: bool) {
        self.common_mut().connections = trace;
    }

    /// Measures lookups, connections and waiting for them. Default: no.
    #[cfg(feature = "connections")]
    pub fn measure_connections(&mut self, measure: bool) {
        self.common_mut().connection_metrics = measure;
    }

    crate::client_options!();

    fn configure(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }
}

impl ClientOptions {
    /// Returns whether this call is not traced. A filter that panics admits it.
    pub(super) fn excludes(&self, request: &ClientRequest<'_>, resolved: &Resolved) -> bool {
        let by_file = resolved.file.as_ref().map(|file| &file.excluded_urls);
        let admits = |filter: &Hook<Filter>| filter.ask(|admit| admit(request)).unwrap_or(true);
        self.excluded.contains(request.url)
            || by_file.unwrap_or(&self.excluded_by_environment).contains(request.url)
            || !self.filter.as_ref().is_none_or(admits)
    }

    /// The name of the service at `host` and `port`.
    pub(super) fn service_peer<'a>(
        &'a self,
        resolved: &'a Resolved,
        host: &str,
        port: u16,
    ) -> Option<&'a str> {
        let by_file = || resolved.file.as_ref().map(|file| &file.service_peers);
        let peers = self.service_peers.as_ref().or_else(by_file);
        peers.unwrap_or(&self.service_peers_by_environment).find(host, port)
    }

    /// What the function says of `response`; nothing if it panics.
    pub(super) fn is_stream(&self, response: &ClientResponse<'_>) -> Option<bool> {
        self.is_stream.as_ref()?.ask(|is_stream| is_stream(response)).flatten()
    }
}
