//! Traces an actix-web server: the adapter between actix-web and `tracewire_http::wiring`.
//!
//! actix-web has its own types for methods, headers and bodies, so heads are copied into those of the
//! `http` crate. Everything else works as in `tracewire-tower`.

use actix_web::{
    Error, HttpMessage,
    body::{self, BodySize, BodyStream, BoxBody, MessageBody, SizedStream},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{HeaderMap as ActixHeaders, HeaderName as ActixName, HeaderValue as ActixValue},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version,
    header::CONTENT_LENGTH,
};
use http_body::Frame;
use http_body_util::{BodyDataStream, StreamBody};
use std::{
    borrow::Cow,
    future::{Future, Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
};
use tracewire_http::{
    ExchangeHandle, Outcome, RequestHead,
    wiring::{IncomingRequest, Scope, Scoped, ServerCall, ServerSettings, server_options},
};

/// Gives every request a server span and a duration. Make one for all workers, and wrap the app with
/// it last.
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until an app is wrapped with it"]
pub struct ServerMiddleware {
    settings: Arc<ServerSettings>,
}

impl ServerMiddleware {
    server_options!("actix_web_server::ServerMiddleware::default()");

    fn configure(mut self, set: impl FnOnce(&mut ServerSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for ServerMiddleware {
    fn default() -> Self {
        let settings = ServerSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }
}

impl<S, B> Transform<S, ServiceRequest> for ServerMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = ServerService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(ServerService { inner, settings: self.settings.clone() }))
    }
}

/// The service that [`ServerMiddleware`] makes.
#[derive(Debug)]
pub struct ServerService<S> {
    inner: S,
    settings: Arc<ServerSettings>,
}

impl<S, B> Service<ServiceRequest> for ServerService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (mut scope, handle) = ServerCall::begin(&self.settings, &Incoming::new(&request));
        if let Some(handle) = handle {
            request.extensions_mut().insert(handle);
        }
        let inner = scope.run(|| self.inner.call(request));
        let answered = Scoped::new(inner, scope);
        Box::pin(async move {
            let (result, mut scope) = answered.await;
            match result {
                Ok(response) => Ok(respond(scope, response.map_into_boxed_body())),
                Err(error) => {
                    // Further out, actix-web turns it into a response.
                    if let Some(exchange) = scope.exchange() {
                        exchange.set_status(status(error.as_response_error().status_code()));
                    }
                    scope.end(Outcome::Complete);
                    Err(error)
                }
            }
        })
    }
}

/// A request of actix-web, with its head in the types of the `http` crate.
struct Incoming<'a> {
    request: &'a ServiceRequest,
    head: Request<()>,
}

impl<'a> Incoming<'a> {
    fn new(request: &'a ServiceRequest) -> Self {
        let mut head = Request::new(());
        *head.method_mut() = request.method().as_str().parse().unwrap_or_default();
        *head.uri_mut() = request.uri().to_string().parse().unwrap_or_default();
        *head.version_mut() = match request.version() {
            actix_web::http::Version::HTTP_10 => Version::HTTP_10,
            actix_web::http::Version::HTTP_2 => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        *head.headers_mut() = headers(request.headers());
        // Another middleware of ours may be around this one.
        if let Some(handle) = request.extensions().get::<ExchangeHandle>() {
            head.extensions_mut().insert(handle.clone());
        }
        Self { request, head }
    }
}

impl IncomingRequest for Incoming<'_> {
    fn head(&self) -> RequestHead<'_> {
        self.head.head()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request.peer_addr()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.request.match_pattern().map(Cow::Owned)
    }
}

/// Ends the exchange with the body of `response`.
fn respond(scope: Scope<ServerCall>, response: ServiceResponse) -> ServiceResponse {
    let (request, response) = response.into_parts();
    let (mut response, mut body) = response.into_parts();
    let size = body.size();
    let chunks = stream::poll_fn(move |cx| Pin::new(&mut body).poll_next(cx));
    let mut seen = Response::new(StreamBody::new(chunks.map_ok(Frame::data)));
    *seen.status_mut() = status(response.status());
    *seen.headers_mut() = headers(response.headers());
    let length = match size {
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    };
    seen.headers_mut().extend(length.map(|length| (CONTENT_LENGTH, length.into())));
    let (head, body) = ServerCall::respond(scope, seen).into_parts();
    for name in ["traceresponse", "server-timing"] {
        response.headers_mut().remove(name);
        for value in head.headers.get_all(name) {
            if let Ok(value) = ActixValue::from_bytes(value.as_bytes()) {
                response.headers_mut().append(ActixName::from_static(name), value);
            }
        }
    }
    // actix-web polls the body even for HEAD, where nothing of it is sent: the exchange ends with the head.
    let unread = *request.method() == "HEAD";
    let chunks = stream::iter((!unread).then_some(BodyDataStream::new(body))).flatten();
    let body = match size {
        BodySize::None => BoxBody::new(body::None::new()),
        BodySize::Sized(length) => BoxBody::new(SizedStream::new(length, chunks)),
        BodySize::Stream => BoxBody::new(BodyStream::new(chunks)),
    };
    ServiceResponse::new(request, response.set_body(body))
}

fn status(status: actix_web::http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or_default()
}

fn headers(headers: &ActixHeaders) -> HeaderMap {
    let header = |(name, value): (&ActixName, &ActixValue)| {
        let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        copy.set_sensitive(value.is_sensitive());
        Some((HeaderName::from_bytes(name.as_ref()).ok()?, copy))
    };
    headers.iter().filter_map(header).collect()
}
