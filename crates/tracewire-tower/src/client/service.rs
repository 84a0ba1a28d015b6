//! Begins: one request leaves, one call starts.

use super::{ResponseFuture, request};
use http::{Request, Response};
use http_body::Body;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use tracewire_http::wiring::{ClientBody, ClientSettings, Scope};

/// The service that [`ClientLayer`](super::ClientLayer) makes.
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    settings: Arc<ClientSettings>,
}

impl<S> ClientService<S> {
    pub(super) fn new(inner: S, settings: Arc<ClientSettings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ClientService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ReqBody: Body,
    ResBody: Body,
{
    type Response = Response<ClientBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let call = request::start(&self.settings, &mut head, &body);
        let request = Request::from_parts(head, body);

        let mut scope = Scope::from(call);
        let inner = scope.run(|| self.inner.call(request));
        ResponseFuture::new(inner, scope)
    }
}
