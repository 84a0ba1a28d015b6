//! One request of a server, from its arrival to the end of its response.

use super::{
    ExchangeHandle, IncomingRequest, Parent, RequestHead, ResponseHead, ServerOptions,
    ServerSettings,
    request::{self, ServerRequest, note_unknown_peer},
};
use crate::{
    exchange::{
        Exchange, ExchangeBody, RequestKind, Scope, Traced, declared_length, length_in, says_stream,
    },
    outcome::{ErrorType, Outcome},
    settings::Resolved,
    values::firsts,
};
use http::{
    Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    uri,
};
use http_body::Body;
use std::{any::Any, sync::Arc};
use tracewire_propagation::{inject_response, untraced};

/// The body of a response from [`ServerCall::respond`].
///
/// Passes every frame untouched and ends the exchange once: with the response's head if nothing
/// reads the body, else after its last frame, or when it fails or is dropped.
pub type ServerBody<B> = ExchangeBody<B, Exchange>;

/// One request of a server: its exchange, and what its settings say about the response.
///
/// Dropping it before its end means that the client went away.
///
/// ```
/// use http::{Request, Response};
/// use std::sync::Arc;
/// use tracewire_http::wiring::{Scoped, ServerCall, ServerSettings};
///
/// # async fn answer(request: Request<String>) -> Result<Response<String>, std::io::Error> {
/// #     Ok(Response::new(request.into_body()))
/// # }
/// # async fn serve(mut request: Request<String>) -> Result<(), std::io::Error> {
/// let settings = Arc::new(ServerSettings::new("my-server", "1.0.0"));
///
/// let (mut scope, handle) = ServerCall::begin(&settings, &request);
/// if let Some(handle) = handle {
///     request.extensions_mut().insert(handle);
/// }
/// let answer = scope.run(|| answer(request));
/// match Scoped::new(answer, scope).await {
///     (Ok(response), scope) => {
///         let response = ServerCall::respond(scope, response);
///         // … send the head and the body …
/// #       let _ = response;
///     }
///     (Err(error), scope) => ServerCall::fail(scope, &error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ServerCall {
    settings: Arc<ServerSettings>,
    exchange: Exchange,
    request: RequestKind,
}

impl ServerCall {
    /// Starts the exchange of `request`, and returns what to run its service inside, and the handle
    /// to put into the request's extensions.
    ///
    /// There is no exchange for a request that is excluded, only a context that says so. There is
    /// nothing at all inside another server layer of ours, which gets the route.
    pub fn begin(
        settings: &Arc<ServerSettings>,
        request: &impl IncomingRequest,
    ) -> (Scope<Self>, Option<ExchangeHandle>) {
        let head = request.head();
        let around = head.extensions.get::<ExchangeHandle>();
        if let Some(around) = around.filter(|handle| !handle.has_ended()) {
            if let Some(route) = request.route() {
                around.set_route(&route);
            }
            return (Scope::Bare, None);
        }
        let options = settings.own();
        settings.resolved(|resolved| {
            let excluded = options.excludes(&head, resolved);
            let parent = options.trust(&head).parent(resolved, head.headers, excluded);
            if excluded {
                let (context, handle) = ExchangeHandle::untraced(&untraced(&parent.into_context()));
                // For layers inside: the decision is made.
                return (Scope::Context(context), Some(handle));
            }
            let exchange = if resolved.records {
                start(resolved, options, request, &head, parent)
            } else {
                Exchange::unrecorded(parent.into_context())
            };
            let handle = exchange.handle();
            let request = RequestKind::of(head.method);
            let call = Self { settings: settings.clone(), exchange, request };
            (Scope::Traced(call), Some(handle))
        })
    }

    /// Notes the head of `response`, writes the trace into its headers if the settings say so, and
    /// has its body end the exchange.
    pub fn respond<B: Body>(
        scope: Scope<Self>,
        mut response: Response<B>,
    ) -> Response<ServerBody<B>> {
        let (mut bodyless, mut length) = (false, None);
        let scope = match scope {
            Scope::Traced(mut call) => {
                length = call.set_response(&mut response);
                bodyless = call.request.is_bodyless(response.status());
                call.into_rest(response.status())
            }
            Scope::Context(context) => Scope::Context(context),
            Scope::Bare => Scope::Bare,
        };
        response.map(|body| match bodyless {
            true => ServerBody::unread(body, scope, body_error),
            false => ServerBody::new(body, scope, length, body_error),
        })
    }

    /// Ends the exchange of a request that got no response because its service failed.
    pub fn fail<E: 'static>(mut scope: Scope<Self>, error: &E) {
        if let Some(exchange) = scope.exchange() {
            exchange.set_error::<E>(ErrorType::downcast(error));
        }
        scope.end(Outcome::Failed(service_error(error)));
    }

    /// Notes the head of a response, and returns the length of its body if it declares one. Both matter
    /// only where something is recorded.
    fn set_response<B>(&mut self, response: &mut Response<B>) -> Option<u64> {
        let Self { settings, exchange, .. } = self;
        let ServerOptions { hooks, send_trace_to_caller, .. } = settings.own();
        exchange.set_response(response.status(), response.headers());
        let mut length = None;
        if exchange.is_recorded() {
            let head = ResponseHead::of(response);
            let [content_type, content_length] =
                firsts(Some(head.headers), [&CONTENT_TYPE, &CONTENT_LENGTH]);
            length = content_length.and_then(length_in);
            if let Some(added) = hooks.on_response(&head) {
                exchange.add_attributes(added.span);
                exchange.add_metric_attributes(added.metric);
            }
            // A call over gRPC shows by its messages whether it is a stream.
            let stream = hooks.is_stream(&head).or_else(|| {
                (!exchange.is_rpc() && content_type.is_some_and(says_stream)).then_some(true)
            });
            if let Some(stream) = stream {
                exchange.set_stream(stream);
            }
        }
        if *send_trace_to_caller {
            inject_response(exchange.context(), response.headers_mut());
        }
        length
    }

    /// What the body runs inside. Of an upgraded connection that is the context alone, for what is left
    /// to drop: those who hold the handle have the exchange.
    fn into_rest(self, status: StatusCode) -> Scope<Exchange> {
        if self.settings.own().follow_upgrades && self.request.is_upgrade(status) {
            let context = self.exchange.context().clone();
            self.exchange.hand_over();
            return Scope::Context(context);
        }
        Scope::Traced(self.exchange)
    }
}

impl Traced for ServerCall {
    const ENDS_AT_LAST_BYTE: bool = false;

    fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    fn end(self, outcome: Outcome) {
        self.exchange.end(outcome);
    }
}

fn start(
    resolved: &Arc<Resolved>,
    options: &ServerOptions,
    incoming: &impl IncomingRequest,
    head: &RequestHead<'_>,
    parent: Parent,
) -> Exchange {
    let route = options.hooks.route(head);
    let matched = incoming.route();
    let name = options.hooks.span_name(head);
    let added = options.hooks.on_request(head);

    // Without a span only a trusted proxy's word counts, for the scheme.
    let described = resolved.tracer.is_some() && !parent.is_hop;
    let peer = if described || options.proxies.depends_on_peer() { incoming.peer() } else { None };
    if described && peer.is_none() {
        note_unknown_peer();
    }
    let forwarded = options.proxies.forwarded(peer, head.headers);
    // The URI's own scheme is the client's word, so it is not used.
    let scheme = forwarded.scheme.unwrap_or(options.scheme);
    let mut facts = ServerRequest::new(head.method, scheme, head.uri.path(), head.version);
    facts.query = head.uri.query();
    facts.authority = forwarded
        .host
        .as_deref()
        .or_else(|| head.uri.authority().map(uri::Authority::as_str))
        .map(str::as_bytes);
    facts.port = forwarded.port;
    facts.peer = peer;
    facts.client = forwarded.client;
    facts.headers = Some(head.headers);
    facts.route = route.as_deref().or(matched.as_deref());
    facts.name = name.as_deref();
    facts.attributes = added.as_ref().map_or(&[], |added| &added.span);
    let mut exchange = request::exchange(resolved, options, parent, &facts);
    if let Some(added) = added {
        exchange.add_metric_attributes(added.metric);
    }
    if exchange.measures_sizes()
        && let Some(bytes) = declared_length(head.headers)
    {
        exchange.set_request_size(bytes);
    }
    exchange
}

fn body_error<E>(_: &E) -> ErrorType {
    ErrorType::Body
}

/// A service's error by its kind; boxed errors are looked into.
fn service_error<E: 'static>(error: &E) -> ErrorType {
    let error: &dyn Any = error;
    ErrorType::downcast(error).and_then(ErrorType::from_io).unwrap_or(ErrorType::Service)
}
