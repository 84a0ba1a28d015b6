//! Waits for a connection.

use super::ConnectionBody;
use crate::client::error::error_type;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy::{
    self, Client, Error,
    connect::{CaptureConnection, Connect, capture_connection},
};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;
use tracewire_http::{
    Authority, Scheme,
    wiring::{ConnectionHandle, Connections, InUse, Wait},
};

/// A client of hyper-util whose calls say how long they wait for a connection.
#[derive(Clone, Debug)]
pub struct TracedClient<C, B> {
    inner: Client<C, B>,
    connections: Connections,
}

impl<C, B> TracedClient<C, B> {
    pub(super) fn new(inner: Client<C, B>, connections: Connections) -> Self {
        Self { inner, connections }
    }
}

impl<C, B> Service<Request<B>> for TracedClient<C, B>
where
    C: Connect + Clone + Send + Sync + 'static,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ConnectionBody<Incoming>>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture {
        let wait = begin(&self.connections, &request);
        // Without a wait nothing asks for the connection.
        let connection = wait.is_some().then(|| capture_connection(&mut request));
        ResponseFuture { inner: self.inner.request(request), connection, wait, in_use: None }
    }
}

fn begin<B>(connections: &Connections, request: &Request<B>) -> Option<Wait> {
    let uri = request.uri();
    let scheme = uri.scheme_str().and_then(Scheme::parse).unwrap_or(Scheme::Http);
    let server = uri.authority().and_then(|server| Authority::parse(server.as_str()));
    let host = server.map_or("", |server| server.host);
    let port = server.and_then(|server| server.port).unwrap_or_else(|| scheme.default_port());
    Wait::begin(connections, request.method(), scheme, (host, port))
}

pin_project! {
    /// Response future of [`TracedClient`].
    #[derive(Debug)]
    pub struct ResponseFuture {
        // First, so that it is dropped first: a setup inside says why there is no connection.
        #[pin]
        inner: legacy::ResponseFuture,
        connection: Option<CaptureConnection>,
        // `None` once there is a connection.
        wait: Option<Wait>,
        in_use: Option<InUse>,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ConnectionBody<Incoming>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll(cx);
        let connection = || this.connection.as_ref().and_then(obtained);
        if let Some(mut wait) = this.wait.take() {
            match connection() {
                Some(handle) => {
                    *this.in_use = Some(handle.in_use());
                    wait.succeed(handle.setup());
                }
                None => {
                    if polled.is_pending() {
                        wait.note_pending();
                    }
                    *this.wait = Some(wait);
                }
            }
        }
        let result = ready!(polled);
        // It was sent again on another one if the first was closed in that moment.
        if let Some(handle) = connection() {
            *this.in_use = Some(handle.in_use());
        }
        if let (Some(wait), Err(error)) = (this.wait.take(), &result) {
            wait.fail(error_type(error));
        }
        Poll::Ready(result.map(|response| {
            let in_use = this.in_use.take();
            response.map(|body| ConnectionBody::new(body, in_use))
        }))
    }
}

/// The connection that a call obtained, if it has one.
fn obtained(captured: &CaptureConnection) -> Option<ConnectionHandle> {
    let mut extras = http::Extensions::new();
    captured.connection_metadata().as_ref()?.get_extras(&mut extras);
    extras.remove()
}
