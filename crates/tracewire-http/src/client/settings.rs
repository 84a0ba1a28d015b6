//! The settings of one client.

use super::{ClientResponse, Destinations, UrlTemplates, Urls};
use crate::Instrumentation;
#[cfg(doc)]
use crate::is_event_stream;
use http::HeaderMap;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The settings of one client layer or middleware.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    pub(crate) instrumentation: Instrumentation,
    pub(crate) destinations: Destinations,
    pub(crate) url_templates: UrlTemplates,
    pub(crate) end_at_body: bool,
    /// By code, and by environment.
    pub(crate) excluded: [Urls; 2],
    pub(crate) is_stream: Option<IsStream>,
}

/// A function that decides whether a response is a stream.
#[derive(Clone)]
pub(crate) struct IsStream(Arc<AskIsStream>);

type AskIsStream = dyn Fn(&ClientResponse<'_>) -> Option<bool> + Send + Sync;

impl fmt::Debug for IsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IsStream")
    }
}

impl ClientSettings {
    /// The defaults, for a client whose telemetry is attributed to this library and version.
    pub fn new(library: &'static str, version: &'static str) -> Self {
        Self {
            instrumentation: Instrumentation::client(library, version),
            destinations: Destinations::new(),
            url_templates: UrlTemplates::default(),
            end_at_body: false,
            excluded: [Urls::default(), Urls::from_env("TRACEWIRE_EXCLUDED_URLS")],
            is_stream: None,
        }
    }

    /// Changes what clients and servers have in common.
    #[must_use]
    pub fn instrument(mut self, set: impl FnOnce(Instrumentation) -> Instrumentation) -> Self {
        self.instrumentation = set(self.instrumentation);
        self
    }

    /// Sends trace context and baggage there. Default: [`Destinations::new`].
    #[must_use]
    pub fn destinations(mut self, destinations: Destinations) -> Self {
        self.destinations = destinations;
        self
    }

    /// Removes from `headers` what `destination` may not be told, and leaves the rest of the trace.
    ///
    /// `destination` is a host; empty where it is not known.
    pub fn restrict(&self, destination: &str, headers: &mut HeaderMap) {
        self.destinations.allow(destination).restrict(&self.instrumentation, headers);
    }

    /// Finds `url.template`, and the name of the span, by these. Default: none.
    #[must_use]
    pub fn url_templates(mut self, templates: UrlTemplates) -> Self {
        self.url_templates = templates;
        self
    }

    /// Does not trace calls to these URLs, beside those that `TRACEWIRE_EXCLUDED_URLS` names, a
    /// comma-separated list. Default: none.
    #[must_use]
    pub fn exclude_urls(mut self, urls: Urls) -> Self {
        self.excluded[0] = urls;
        self
    }

    /// Whether calls to this absolute URL are not traced.
    pub(crate) fn excludes(&self, url: &str) -> bool {
        self.excluded.iter().any(|urls| urls.contains(url))
    }

    /// Ends the call with the body of the response instead of its head. Default: no.
    #[must_use]
    pub fn end_at_body(mut self, end_at_body: bool) -> Self {
        self.end_at_body = end_at_body;
        self
    }

    /// Decides which responses are streams; `None` leaves the default, the content types of
    /// [`is_event_stream`].
    #[must_use]
    pub fn is_stream(
        mut self,
        is_stream: impl Fn(&ClientResponse<'_>) -> Option<bool> + Send + Sync + 'static,
    ) -> Self {
        self.is_stream = Some(IsStream(Arc::new(is_stream)));
        self
    }

    /// What the function says of `response`; nothing if it panics.
    pub(super) fn ask_is_stream(&self, response: &ClientResponse<'_>) -> Option<bool> {
        let IsStream(is_stream) = self.is_stream.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| is_stream(response))).ok().flatten()
    }
}
