//! Looks names up.

use super::BoxError;
use hyper_util::client::legacy::connect::dns::Name;
use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    vec,
};
use tower_service::Service;
use tracewire_http::wiring::{Connections, Lookup};

/// A resolver whose lookups are traced.
#[derive(Clone, Debug)]
pub struct TracedResolver<R> {
    inner: R,
    connections: Connections,
}

impl<R> TracedResolver<R> {
    pub(super) fn new(inner: R, connections: Connections) -> Self {
        Self { inner, connections }
    }
}

impl<R> Service<Name> for TracedResolver<R>
where
    R: Service<Name>,
    R::Response: Iterator<Item = SocketAddr>,
    R::Error: Into<BoxError>,
    R::Future: Send + 'static,
{
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let lookup = Lookup::begin(&self.connections, name.as_str());
        let resolving = self.inner.call(name);
        Box::pin(async move {
            let resolved = resolving.await.map(Iterator::collect::<Vec<_>>).map_err(Into::into);
            match &resolved {
                Ok(addresses) => lookup.succeed(addresses),
                Err(error) => lookup.fail(&**error),
            }
            resolved.map(Vec::into_iter)
        })
    }
}
