//! Begins: one request enters, one exchange starts.

use super::{ResponseBody, ResponseFuture, request::Incoming};
use http::{Request, Response};
use http_body::Body;
use std::{
    sync::Arc,
    task::{self, Poll},
};
use tower_service::Service;
#[cfg(feature = "tower-http")]
use tracewire_http::wiring::Scope;
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
        let is_traced = matches!(scope, Scope::Traced(_));
        let inner = scope.run(|| {
            #[cfg(feature = "tower-http")]
            if is_traced {
                super::request_span::show_ids();
            }
            self.inner.call(request)
        });
        ResponseFuture::new(inner, scope)
    }
}
