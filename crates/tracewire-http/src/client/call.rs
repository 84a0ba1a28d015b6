//! One call of a client, from its request to its response.

use super::{
    CallOptions, ClientOptions, ClientRequest, ClientResponse, ClientSettings,
    destinations::Allowed,
    resends::{OpenAttempt, Place, Resends},
};
use crate::{
    exchange::{Below, Exchange, Record, RequestKind, Traced, declared_length, is_event_stream},
    outcome::Outcome,
    settings::Resolved,
    values::limited_shared,
};
use http::{Extensions, HeaderMap, StatusCode, header::CONTENT_ENCODING};
use opentelemetry::Context;
use std::{mem, sync::Arc};
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
///     ClientRequest, ClientResponse, Outcome, Scheme,
///     wiring::{ClientCall, ClientSettings},
/// };
///
/// let settings = Arc::new(ClientSettings::new("my-client", "1.0.0"));
/// let (mut headers, mut extensions) = (HeaderMap::new(), Extensions::new());
/// let url = "http://127.0.0.1:8080/users/1";
/// let request = ClientRequest::new(&Method::GET, url, Scheme::Http, "127.0.0.1", 8080);
///
/// let call = ClientCall::start(&settings, &Context::current(), request, &mut extensions);
/// if let Some(mut call) = call {
///     call.inject(&mut headers);
///     // … send the request with `call.context()` attached …
///     let headers = HeaderMap::new();
///     call.set_response(&ClientResponse::new(StatusCode::OK, Version::HTTP_11, &headers));
///     call.end(Outcome::Complete);
/// }
/// ```
#[derive(Debug)]
pub struct ClientCall {
    settings: Arc<ClientSettings>,
    resolved: Arc<Resolved>,
    exchange: Exchange,
    place: Place,
    allowed: Allowed,
    propagate: bool,
    request: RequestKind,
    bodyless: bool,
    declared_length: Option<u64>,
}

impl ClientCall {
    /// Starts a call under `parent`, with the [`CallOptions`] in `extensions`.
    ///
    /// There is none, and the request is to be sent as it is, where telemetry is suppressed and
    /// where the options say so. A call that is [excluded](ClientSettings::exclude_urls) or
    /// [filtered](ClientSettings::filter) records nothing and sends the trace around it. Inside
    /// another call of ours for the same request the call records nothing, and
    /// [`inject`](Self::inject) only withholds.
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
        let resolved = settings.resolved(Arc::clone);
        // Where nothing is recorded nothing is counted, unless somebody else counts.
        let place = if resolved.records || extensions.get::<Resends>().is_some() {
            Resends::begin(extensions, request.method, request.url)
        } else {
            Place::Uncounted
        };
        let options = extensions.get::<CallOptions>();
        let own = settings.own();
        let exchange = match &place {
            Place::Inside => Exchange::unrecorded(outgoing(parent)),
            _ if own.excludes(&request, &resolved) => {
                Exchange::unrecorded(outgoing(&untraced(parent)))
            }
            Place::Attempt(attempt) if resolved.records => {
                let mut request = with_options(request, attempt, own, options);
                request.service_peer = own.service_peer(&resolved, request.host, request.port);
                exchange(&resolved, parent, &request)
            }
            _ => Exchange::unrecorded(outgoing(parent)),
        };
        let allowed = match place {
            // What is there already is not the context's.
            Place::Inside => own.destinations.allow(request.host),
            _ => own.destinations.allow_of(parent, request.host),
        };
        Some(Self {
            settings: settings.clone(),
            resolved,
            exchange,
            place,
            allowed,
            propagate: options.is_none_or(|options| !options.unpropagated),
            request: RequestKind::of(request.method),
            bodyless: false,
            declared_length: None,
        })
    }

    /// Writes what the [host](ClientRequest::host) of the request may be told into `headers`, in
    /// place of what is there.
    ///
    /// Inside another call of ours its headers stay, but for what this host may not be told.
    pub fn inject(&self, headers: &mut HeaderMap) {
        if !self.propagate {
            return;
        }
        match self.place {
            Place::Inside => self.allowed.restrict(&self.resolved, headers),
            _ => self.allowed.inject(&self.resolved, self.context(), headers),
        }
    }

    /// The context that carries the call's span: attach it to whatever sends the request.
    pub fn context(&self) -> &Context {
        self.exchange.context()
    }

    /// Notes the response's head. With it the attempt is over: a request that is sent while the
    /// body is still read is another one.
    pub fn set_response(&mut self, response: &ClientResponse<'_>) {
        if let Place::Attempt(attempt) = &mut self.place {
            attempt.close();
        }
        self.exchange.set_answer(response.version, response.status, response.headers);
        if let Some(peer) = response.peer {
            self.exchange.set_peer(peer);
        }
        self.bodyless = self.request.is_bodyless(response.status);
        if self.ends_at_body() {
            self.await_body(response);
        }
        self.note_size(response);
    }

    /// Notes what is known of the size of the response's body before it is read.
    fn note_size(&mut self, response: &ClientResponse<'_>) {
        if self.bodyless {
            // Whatever its head declares: HTTP/2 gives that as the body's own size.
            self.exchange.add_response_size(0);
        } else if response.may_be_decoded {
            self.exchange.omit_response_size();
        } else if let Some(size) = response.body_size
            && !self.ends_at_body()
        {
            self.exchange.add_response_size(size);
        }
    }

    /// Records what decides how the body of the response ended.
    fn await_body(&mut self, response: &ClientResponse<'_>) {
        // Where the body was encoded it may have been decoded since.
        let encoded = response.headers.contains_key(CONTENT_ENCODING);
        self.declared_length = declared_length(response.headers).filter(|_| !encoded);
        let stream = self.settings.own().is_stream(response).or_else(|| {
            (!self.exchange.is_rpc() && is_event_stream(response.headers)).then_some(true)
        });
        if let Some(stream) = stream {
            self.exchange.set_stream(stream);
        }
    }

    /// Notes the status code of a response of which nothing else is known.
    pub fn set_status(&mut self, status: StatusCode) {
        self.exchange.set_status(status);
    }

    /// Whether the call is to end with the body of the response instead of its head: by option,
    /// and always over gRPC, whose status stands in the trailers.
    pub fn ends_at_body(&self) -> bool {
        (self.settings.own().end_at_body && !matches!(self.place, Place::Inside))
            || self.exchange.is_rpc()
    }

    /// Whether the [size](ClientResponse::body_size) of the response's body, and whether it
    /// [may be decoded](ClientResponse::may_be_decoded), are looked at.
    pub fn looks_at_size(&self) -> bool {
        self.exchange.measures_sizes() || self.ends_at_body()
    }

    /// Whether nothing reads the response's body.
    pub(super) fn is_bodyless(&self) -> bool {
        self.bodyless
    }

    /// The length of the body that the response's head declares.
    pub(super) fn declared_length(&self) -> Option<u64> {
        self.declared_length
    }

    /// Ends the call.
    pub fn end(mut self, outcome: Outcome) {
        self.note_resends();
        self.exchange.end_once(outcome);
    }

    /// Notes how often a middleware inside sent the request again, if one did.
    fn note_resends(&mut self) {
        let place = mem::replace(&mut self.place, Place::Uncounted);
        if let Place::Attempt(mut attempt) = place
            && let Some(resends) = attempt.resends_inside()
        {
            self.exchange.set_resend_count(resends);
        }
    }
}

impl Drop for ClientCall {
    /// A caller who leaves has sent the request as often as one who stays.
    fn drop(&mut self) {
        self.note_resends();
    }
}

/// `request` with what is known of it besides.
fn with_options<'a>(
    mut request: ClientRequest<'a>,
    attempt: &OpenAttempt,
    own: &'a ClientOptions,
    options: Option<&'a CallOptions>,
) -> ClientRequest<'a> {
    request.resend_count = attempt.resends;
    if let Some(options) = options {
        // They describe the URL first asked for.
        if !attempt.redirected {
            request.name = options.name.as_deref().or(request.name);
            request.template = options.template.as_deref().or(request.template);
        }
        request.attributes = &options.attributes;
    }
    if request.template.is_none() {
        request.template = own.url_templates.find_for_url(request.host, request.url);
    }
    request
}

/// Starts the exchange of a call that is about to be sent, under `parent`.
fn exchange(resolved: &Arc<Resolved>, parent: &Context, request: &ClientRequest<'_>) -> Exchange {
    let note = |record: &mut Record| {
        record.scheme = request.scheme;
        record.server = Some(request.host)
            .filter(|host| !host.is_empty())
            .map(|host| (limited_shared(host.into(), record.options().value_limit), request.port));
        record.rpc = request.rpc(resolved).map(Box::new);
    };
    let below = Below::of(parent);
    let mut exchange = Exchange::start(resolved, request.method, below, note, |record| {
        (record.span_name(request.name, request.template), request.describe(record))
    });
    if let Some(size) = request.body_size {
        exchange.set_request_size(size);
    }
    exchange
}

impl Traced for ClientCall {
    const ENDS_AT_LAST_BYTE: bool = true;

    fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    fn end(self, outcome: Outcome) {
        Self::end(self, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Scheme;
    use http::Method;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    #[test]
    fn debug_shows_no_secret() {
        let tracers = SdkTracerProvider::builder().build();
        let settings = ClientSettings::new("test", "1").tracer_provider(tracers);
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
