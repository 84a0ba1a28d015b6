//! One call of a client, from its request to its response.

use super::{
    CallOptions, ClientRequest, ClientResponse, ClientSettings,
    attempts::{Attempts, OpenAttempt},
};
use crate::{Exchange, Outcome, declared_length, is_bodyless, is_event_stream};
use http::{Extensions, HeaderMap, Method, StatusCode, header::CONTENT_ENCODING};
use opentelemetry::Context;
use std::sync::Arc;
use tracewire_propagation::{outgoing, untraced};

/// One call of a client: its exchange and its place among the attempts.
///
/// Dropping it before its end means that the caller went away.
///
/// ```
/// use http::{Extensions, HeaderMap, Method, StatusCode, Version};
/// use opentelemetry::Context;
/// use std::sync::Arc;
/// use tracewire_http::{
///     ClientCall, ClientRequest, ClientResponse, ClientSettings, Outcome, Scheme,
/// };
///
/// let settings = Arc::new(ClientSettings::new("my-client", "1.0.0"));
/// let (mut headers, mut extensions) = (HeaderMap::new(), Extensions::new());
/// let url = "http://127.0.0.1:8080/users/1";
/// let request = ClientRequest::new(&Method::GET, url, Scheme::Http, "127.0.0.1", 8080);
///
/// let call = ClientCall::start(&settings, &Context::current(), request, &mut extensions);
/// if let Some(mut call) = call {
///     call.inject("127.0.0.1", &mut headers);
///     // … send the request with `call.context()` attached …
///     let headers = HeaderMap::new();
///     call.respond(&ClientResponse::new(StatusCode::OK, Version::HTTP_11, &headers));
///     call.end(Outcome::Complete);
/// }
/// ```
#[derive(Debug)]
pub struct ClientCall {
    settings: Arc<ClientSettings>,
    exchange: Exchange,
    // `None` inside another call of ours, which records and counts this one.
    attempt: Option<OpenAttempt>,
    propagate: bool,
    method: Method,
    bodyless: bool,
    declared_length: Option<u64>,
}

impl ClientCall {
    /// Starts a call under `parent`, with the [`CallOptions`] in `extensions`.
    ///
    /// There is none, and the request is to be sent as it is, where telemetry is suppressed and
    /// where the options say so. A call to an [excluded](ClientSettings::exclude_urls) URL records
    /// nothing and sends the trace around it. Inside another call of ours for the same request the call records
    /// nothing, and [`inject`](Self::inject) only withholds.
    pub fn start(
        settings: &Arc<ClientSettings>,
        parent: &Context,
        request: ClientRequest<'_>,
        extensions: &mut Extensions,
    ) -> Option<Self> {
        if parent.is_telemetry_suppressed() {
            return None;
        }
        if extensions.get::<CallOptions>().is_some_and(|options| options.untraced) {
            return None;
        }
        let attempt = Attempts::begin(extensions, request.method, request.url);
        let options = extensions.get::<CallOptions>();
        let propagate = options.is_none_or(|options| !options.unpropagated);
        let Some(attempt) = attempt else {
            let exchange = Exchange::unrecorded(outgoing(parent));
            return Some(Self::new(settings, exchange, None, propagate, request.method));
        };
        if settings.excludes(request.url) {
            let exchange = Exchange::unrecorded(outgoing(&untraced(parent)));
            return Some(Self::new(settings, exchange, Some(attempt), propagate, request.method));
        }
        let mut request = ClientRequest { resend_count: attempt.resends, ..request };
        if let Some(options) = options {
            // They describe the URL first asked for.
            if !attempt.redirected {
                request.name = options.name.as_deref().or(request.name);
                request.template = options.template.as_deref().or(request.template);
            }
            request.attributes = &options.attributes;
        }
        if request.template.is_none() {
            request.template = settings.url_templates.find_for_url(request.host, request.url);
        }
        let mut exchange = Exchange::call(&settings.instrumentation, parent, &request);
        if let Some(size) = request.body_size {
            exchange.request_size(size);
        }
        Some(Self::new(settings, exchange, Some(attempt), propagate, request.method))
    }

    fn new(
        settings: &Arc<ClientSettings>,
        exchange: Exchange,
        attempt: Option<OpenAttempt>,
        propagate: bool,
        method: &Method,
    ) -> Self {
        Self {
            settings: settings.clone(),
            exchange,
            attempt,
            propagate,
            method: method.clone(),
            bodyless: false,
            declared_length: None,
        }
    }

    /// Writes what `destination` may be told into `headers`, in place of what is there.
    ///
    /// `destination` is the host that the request is really sent to, whatever its `Host` says;
    /// empty where it is not known. Inside another call of ours its headers stay, but for what this
    /// destination may not be told.
    pub fn inject(&self, destination: &str, headers: &mut HeaderMap) {
        if !self.propagate {
            return;
        }
        if self.attempt.is_none() {
            return self.settings.restrict(destination, headers);
        }
        let allowed = self.settings.destinations.allow(destination);
        allowed.inject(&self.settings.instrumentation, self.context(), headers);
    }

    /// The context that carries the call's span: attach it to whatever sends the request.
    pub fn context(&self) -> &Context {
        self.exchange.context()
    }

    /// Notes the response's head. With it the attempt is over: a request that is sent while the
    /// body is still read is another one.
    pub fn respond(&mut self, response: &ClientResponse<'_>) {
        if let Some(attempt) = &mut self.attempt {
            attempt.close();
        }
        self.exchange.negotiated(response.version);
        if let Some(peer) = response.peer {
            self.exchange.peer(peer);
        }
        self.exchange.response_headers(&self.settings.instrumentation, response.headers);
        self.exchange.respond(response.status);
        if response.may_be_decoded {
            self.exchange.omit_response_size();
        }
        self.bodyless = is_bodyless(&self.method, response.status);
        // Where the body was encoded it may have been decoded since.
        let encoded = response.headers.contains_key(CONTENT_ENCODING);
        self.declared_length = declared_length(response.headers).filter(|_| !encoded);
        if self.ends_at_body() {
            let stream = self.settings.ask_is_stream(response).or_else(|| {
                (!self.exchange.is_rpc() && is_event_stream(response.headers)).then_some(true)
            });
            if let Some(stream) = stream {
                self.exchange.set_stream(stream);
            }
        } else if let Some(size) = response.body_size {
            self.exchange.add_response_size(size);
        }
    }

    /// Notes a status code of which nothing but itself is known.
    pub fn respond_with_status(&mut self, status: StatusCode) {
        self.exchange.respond(status);
    }

    /// Whether the call is to end with the body of the response instead of its head: by option,
    /// and always over gRPC, whose status stands in the trailers.
    pub fn ends_at_body(&self) -> bool {
        (self.settings.end_at_body && self.attempt.is_some()) || self.exchange.is_rpc()
    }

    /// Whether nobody reads the response's body.
    pub(super) fn is_bodyless(&self) -> bool {
        self.bodyless
    }

    /// The length of the body that the response's head declares.
    pub(super) fn declared_length(&self) -> Option<u64> {
        self.declared_length
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Ends the call.
    pub fn end(mut self, outcome: Outcome) {
        if let Some(resends) = self.attempt.as_mut().and_then(OpenAttempt::resends_inside) {
            self.exchange.resent(resends);
        }
        self.exchange.end(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use http::Method;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    #[test]
    fn debug_shows_no_secret() {
        let tracers = SdkTracerProvider::builder().build();
        let settings = ClientSettings::new("test", "1")
            .instrument(|instrumentation| instrumentation.tracer_provider(tracers));
        let (settings, mut extensions) = (Arc::new(settings), Extensions::new());
        let url = "https://ada:SECRET@h.example/SECRET?token=SECRET";
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "SECRET".parse().unwrap());
        let mut request = ClientRequest::new(&Method::GET, url, Scheme::Https, "h.example", 443);
        request.headers = Some(&headers);
        let context = Context::new();
        let call = ClientCall::start(&settings, &context, request, &mut extensions).unwrap();
        let shown = format!("{call:?} {settings:?}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
