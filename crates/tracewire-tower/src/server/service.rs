//! Begins: one request enters, one exchange starts.

use super::{ResponseBody, ResponseFuture, request::Incoming};
use http::{Request, Response};
use http_body::Body;
use std::{
    any::type_name,
    sync::Arc,
    task::{self, Poll},
};
use tower_service::Service;
use tracewire_http::wiring::{ServerCall, ServerSettings};

/// The service that [`ServerLayer`](super::ServerLayer) makes.
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    settings: Arc<ServerSettings>,
}

impl<S> ServerService<S> {
    pub(super) fn new(inner: S, settings: Arc<ServerSettings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ServerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let (mut scope, handle) = ServerCall::begin(&self.settings, &Incoming::new(&request));
        if let Some(handle) = handle {
            request.extensions_mut().insert(handle);
        }
        #[cfg(feature = "tower-http")]
        if let Some(exchange) = scope.exchange() {
            super::request_span::show_ids(exchange.context());
        }
        let inner = if keeps_requests::<S>() {
            self.inner.call(request)
        } else {
            scope.run(|| self.inner.call(request))
        };
        ResponseFuture::new(inner, scope)
    }
}

/// Whether a service of this type only keeps a request until its future is polled, as axum's routes
/// do: then there is nothing in its call that could look at the context, or panic.
fn keeps_requests<S>() -> bool {
    cfg!(feature = "axum") && type_name::<S>().starts_with("axum::routing::")
}
