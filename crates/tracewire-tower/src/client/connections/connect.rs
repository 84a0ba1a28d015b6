//! Connects: everything before TLS.

use super::BoxError;
use http::Uri;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tower_service::Service;
use tracewire_http::wiring::connected;

/// A connector whose end is the end of connecting: what follows is TLS.
#[derive(Clone, Debug)]
pub struct TracedConnect<C> {
    inner: C,
}

impl<C> TracedConnect<C> {
    pub(super) fn new(inner: C) -> Self {
        Self { inner }
    }
}

impl<C> Service<Uri> for TracedConnect<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = self.inner.call(target);
        Box::pin(async move {
            let connection = connecting.await.map_err(Into::into)?;
            connected();
            Ok(connection)
        })
    }
}
