//! Traces an actix-web server: all that stands between actix-web and `tracewire_http::wiring`.
//!
//! actix-web has types of its own for methods, headers and bodies, so those of each request and
//! response are copied into the ones of the `http` crate. What is recorded, when it ends, and every
//! option is that of the other server layers.

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{HeaderMap as ActixHeaders, HeaderName as ActixName, HeaderValue as ActixValue},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    future::{Future, Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tracewire_http::{
    ExchangeHandle, Outcome, RequestHead,
    wiring::{
        IncomingRequest, Scope, Scoped, ServerBody, ServerCall, ServerSettings, server_options,
    },
};

/// Gives every request a server span and a duration. Wrap the app with it last.
#[derive(Clone, Debug)]
#[must_use = "a middleware does nothing until an app is wrapped with it"]
pub struct ServerMiddleware {
    settings: Arc<ServerSettings>,
}

impl ServerMiddleware {
    /// A middleware with the defaults. Make one and give each worker a clone, so that they share it.
    pub fn new() -> Self {
        let settings = ServerSettings::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { settings: Arc::new(settings) }
    }

    server_options!("actix_web_server::ServerMiddleware::new()");

    fn configure(mut self, set: impl FnOnce(&mut ServerSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for ServerMiddleware {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, B> Transform<S, ServiceRequest> for ServerMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ResponseBody<B>>;
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
    B: MessageBody,
{
    type Response = ServiceResponse<ResponseBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (mut scope, handle) = ServerCall::begin(&self.settings, &Incoming::new(&request));
        if let Some(handle) = handle {
            request.extensions_mut().insert(handle);
        }
        let inner = scope.run(|| self.inner.call(request));
        ResponseFuture { work: Scoped::new(inner, scope) }
    }
}

/// A request of actix-web's, with its head in the types of the `http` crate.
struct Incoming<'a> {
    request: &'a ServiceRequest,
    head: Request<()>,
}

impl<'a> Incoming<'a> {
    fn new(request: &'a ServiceRequest) -> Self {
        let mut head = Request::new(());
        // What actix-web has read is valid there too.
        *head.method_mut() = request.method().as_str().parse().unwrap_or_default();
        *head.uri_mut() = request.uri().to_string().parse().unwrap_or_default();
        *head.version_mut() = version(request.version());
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

pin_project! {
    /// Response future of [`ServerService`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        work: Scoped<F, ServerCall>,
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<ResponseBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, mut scope) = ready!(self.project().work.poll(cx));
        Poll::Ready(match result {
            Ok(response) => Ok(respond(scope, response)),
            Err(error) => {
                // actix-web makes a response of it, further out.
                if let Some(exchange) = scope.exchange() {
                    exchange.set_status(status(error.as_response_error().status_code()));
                }
                scope.end(Outcome::Complete);
                Err(error)
            }
        })
    }
}

/// Has the body of `response` end the exchange.
fn respond<B: MessageBody>(
    scope: Scope<ServerCall>,
    response: ServiceResponse<B>,
) -> ServiceResponse<ResponseBody<B>> {
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let size = body.size();
    let mut seen = Response::new(Frames { inner: body });
    *seen.status_mut() = status(response.status());
    *seen.headers_mut() = headers(response.headers());
    let (head, frames) = ServerCall::respond(scope, seen).into_parts();
    add_new(&head.headers, response.headers_mut());
    ServiceResponse::new(request, response.set_body(ResponseBody { size, frames }))
}

pin_project! {
    /// A body of actix-web's as one of the `http-body` crate.
    #[derive(Debug)]
    pub struct Frames<B> {
        #[pin]
        inner: B,
    }
}

impl<B: MessageBody> Body for Frames<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().inner.poll_next(cx).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.size().is_eof()
    }

    fn size_hint(&self) -> SizeHint {
        match self.inner.size() {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(length) => SizeHint::with_exact(length),
            BodySize::Stream => SizeHint::new(),
        }
    }
}

pin_project! {
    /// Response body of [`ServerService`]: it ends the exchange.
    #[derive(Debug)]
    pub struct ResponseBody<B: MessageBody> {
        size: BodySize,
        #[pin]
        frames: ServerBody<Frames<B>>,
    }
}

impl<B: MessageBody> MessageBody for ResponseBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        let frame = ready!(self.project().frames.poll_frame(cx));
        // actix-web's bodies have no trailers.
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }
}

fn version(version: actix_web::http::Version) -> Version {
    match version {
        actix_web::http::Version::HTTP_09 => Version::HTTP_09,
        actix_web::http::Version::HTTP_10 => Version::HTTP_10,
        actix_web::http::Version::HTTP_2 => Version::HTTP_2,
        actix_web::http::Version::HTTP_3 => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
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

/// Puts the headers that tell the caller the trace among the response's.
fn add_new(seen: &HeaderMap, headers: &mut ActixHeaders) {
    for name in seen.keys() {
        let values: Vec<_> = seen.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if values.iter().copied().eq(headers.get_all(name.as_str()).map(ActixValue::as_bytes)) {
            continue;
        }
        let Ok(name) = ActixName::from_bytes(name.as_ref()) else { continue };
        headers.remove(&name);
        let values = values.into_iter().filter_map(|value| ActixValue::from_bytes(value).ok());
        values.for_each(|value| headers.append(name.clone(), value));
    }
}
