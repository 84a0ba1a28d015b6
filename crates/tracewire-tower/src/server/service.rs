//! Begins: one request enters, one exchange starts.

use super::{ResponseBody, ResponseFuture, inside::inside, layer::Config, request};
use http::{Request, Response};
use http_body::Body;
use opentelemetry::Context;
use std::{
    sync::Arc,
    task::{self, Poll},
};
use tower_service::Service;
use tracewire_http::{Exchange, SharedRoute};

/// The service that [`ServerLayer`](super::ServerLayer) makes.
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    config: Arc<Config>,
}

/// Marks a request that has an exchange already.
///
/// Holds the place for the route, unless the route was known from the start.
#[derive(Clone, Debug)]
struct Traced(Option<SharedRoute>);

impl<S> ServerService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
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
        if let Some(Traced(route)) = request.extensions().get() {
            if let (Some(outer), Some(route)) = (route, request::route(&request)) {
                outer.set(route);
            }
            return ResponseFuture::untraced(self.inner.call(request));
        }

        let instrumentation = &self.config.instrumentation;
        let parent =
            Context::map_current(|current| instrumentation.extract(request.headers(), current));
        let facts = request::describe(&request, self.config.scheme);
        let route_known = facts.route.is_some();
        let mut exchange = Exchange::serve(instrumentation, &parent, &facts);

        let route = (!route_known).then(SharedRoute::default);
        if let Some(route) = &route {
            exchange.route_from(route.clone());
        }
        request.extensions_mut().insert(Traced(route));
        let method = request.method().clone();

        let mut exchange = Some(exchange);
        let inner = inside(&mut exchange, || self.inner.call(request));
        ResponseFuture::traced(inner, exchange, method)
    }
}
