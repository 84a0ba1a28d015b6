//! The functions of the application that a server asks, and what they see.

use super::Trust;
use crate::hook::Hook;
use http::{Extensions, HeaderMap, Method, Response, StatusCode, Uri, Version};
use opentelemetry::KeyValue;
use std::{borrow::Cow, fmt};

/// The request without its body, as hooks see it.
///
/// `Debug` leaves out what may hold credentials: target, headers and extensions.
///
/// ```
/// use tracewire_http::RequestHead;
///
/// /// For the option `filter`: no spans for probes of the load balancer.
/// fn admit(request: &RequestHead<'_>) -> bool {
///     !request.headers.contains_key("x-load-balancer-probe")
/// }
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target as it arrived, even inside nested routers.
    pub uri: &'a Uri,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What layers outside ours left.
    pub extensions: &'a Extensions,
}

/// The response without its body, as hooks see it.
///
/// `Debug` leaves out what may hold credentials: headers and extensions.
///
/// ```
/// use opentelemetry::KeyValue;
/// use tracewire_http::{Attributes, ResponseHead};
///
/// /// For the option `on_response`.
/// fn on_response(response: &ResponseHead<'_>, attributes: &mut Attributes) {
///     let hit = response.headers.get("x-cache").is_some_and(|value| value == "hit");
///     attributes.span(KeyValue::new("shop.cache.hit", hit));
/// }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: StatusCode,
    /// The protocol version.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What the service left.
    pub extensions: &'a Extensions,
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a> ResponseHead<'a> {
    pub(super) fn of<B>(response: &'a Response<B>) -> Self {
        Self {
            status: response.status(),
            version: response.version(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }
}

/// Attributes that a hook adds, to the span and to the metric separately.
///
/// ```
/// use opentelemetry::KeyValue;
/// use tracewire_http::wiring::ServerSettings;
///
/// // Every server layer has this option.
/// let settings = ServerSettings::new("my-server", "1.0.0").on_request(|request, attributes| {
///     attributes.span(KeyValue::new("shop.query", request.uri.query().is_some()));
///     attributes.metric(KeyValue::new("shop.version", "v2")); // one of few values
/// });
/// ```
#[derive(Default)]
pub struct Attributes {
    pub(super) span: Vec<KeyValue>,
    pub(super) metric: Vec<KeyValue>,
}

/// Leaves out the values, which may be secrets.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |attributes: &[KeyValue]| -> Vec<_> {
            attributes.iter().map(|attribute| attribute.key.clone()).collect()
        };
        f.debug_struct("Attributes")
            .field("span", &keys(&self.span))
            .field("metric", &keys(&self.metric))
            .finish()
    }
}

impl Attributes {
    /// Adds an attribute to the span.
    pub fn span(&mut self, attribute: KeyValue) {
        self.span.push(attribute);
    }

    /// Adds an attribute to the duration metric.
    ///
    /// Every new value is a new time series: add only what takes few values, and never text that
    /// a client chose.
    pub fn metric(&mut self, attribute: KeyValue) {
        self.metric.push(attribute);
    }
}

type OfRequest<T> = Option<Hook<dyn Fn(&RequestHead<'_>) -> T + Send + Sync>>;
type OfResponse<T> = Option<Hook<dyn Fn(&ResponseHead<'_>) -> T + Send + Sync>>;
type OnRequest = Option<Hook<dyn Fn(&RequestHead<'_>, &mut Attributes) + Send + Sync>>;
type OnResponse = Option<Hook<dyn Fn(&ResponseHead<'_>, &mut Attributes) + Send + Sync>>;

/// The hooks of a server. One that is not there costs nothing; one that panics counts as not there,
/// except that for trust.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    pub filter: OfRequest<bool>,
    pub trust: OfRequest<Trust>,
    pub span_name: OfRequest<Option<Cow<'static, str>>>,
    pub route: OfRequest<Option<Cow<'static, str>>>,
    pub is_stream: OfResponse<Option<bool>>,
    pub on_request: OnRequest,
    pub on_response: OnResponse,
}

impl Hooks {
    /// Returns whether the request is to be traced.
    pub(super) fn admits(&self, head: &RequestHead<'_>) -> bool {
        ask(&self.filter, head).unwrap_or(true)
    }

    /// How far the caller's headers are trusted, if the hook for that is there.
    pub(super) fn trust(&self, head: &RequestHead<'_>) -> Option<Trust> {
        // A caller whose headers make the hook panic must gain nothing by it.
        self.trust.as_ref().map(|_| ask(&self.trust, head).unwrap_or(Trust::Ignore))
    }

    pub(super) fn span_name(&self, head: &RequestHead<'_>) -> Option<Cow<'static, str>> {
        ask(&self.span_name, head).flatten()
    }

    pub(super) fn route(&self, head: &RequestHead<'_>) -> Option<Cow<'static, str>> {
        ask(&self.route, head).flatten()
    }

    /// Returns whether the response is a stream, if the hook says so.
    pub(super) fn is_stream(&self, head: &ResponseHead<'_>) -> Option<bool> {
        self.is_stream.as_ref()?.ask(|hook| hook(head)).flatten()
    }

    /// What is to be added when the request has arrived.
    pub(super) fn on_request(&self, head: &RequestHead<'_>) -> Option<Attributes> {
        let hook = self.on_request.as_ref()?;
        let mut attributes = Attributes::default();
        hook.ask(|hook| hook(head, &mut attributes));
        Some(attributes)
    }

    /// What is to be added when the response's head is known.
    pub(super) fn on_response(&self, head: &ResponseHead<'_>) -> Option<Attributes> {
        let hook = self.on_response.as_ref()?;
        let mut attributes = Attributes::default();
        hook.ask(|hook| hook(head, &mut attributes));
        Some(attributes)
    }
}

/// What `hook` says of `head`, if it is there and does not panic.
#[inline] // most are not there
fn ask<T>(hook: &OfRequest<T>, head: &RequestHead<'_>) -> Option<T> {
    hook.as_ref()?.ask(|hook| hook(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_value_of_an_attribute() {
        let mut attributes = Attributes::default();
        attributes.span(KeyValue::new("tenant", "SECRET"));
        attributes.metric(KeyValue::new("tier", "SECRET"));
        let shown = format!("{attributes:?}");
        assert!(shown.contains("tenant") && shown.contains("tier"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
