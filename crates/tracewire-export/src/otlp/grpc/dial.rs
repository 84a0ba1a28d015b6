//! The connection below gRPC: TCP, to the collector or to a proxy, and TLS on it.

#[cfg(not(feature = "__rustls"))]
use super::plain::Secured;
#[cfg(feature = "__rustls")]
use super::secured::Secured;
use super::{
    stream::{Error, Stream, host},
    tunnel::Tunnel,
};
use hyper_util::rt::TokioIo;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

/// Connects to one host.
#[derive(Clone)]
pub(super) struct Dial {
    host: Arc<str>,
    port: u16,
    proxy: Option<Tunnel>,
    secured: Secured,
}

impl Dial {
    pub(super) fn new(url: &Url, proxy: Option<Tunnel>, secured: Secured) -> Self {
        let host = host(url).into();
        Self { host, port: url.port_or_known_default().unwrap_or(4317), proxy, secured }
    }

    async fn connect(self) -> Result<TokioIo<Pin<Box<dyn Stream>>>, Error> {
        let stream = match &self.proxy {
            Some(proxy) => proxy.connect(&self.host, self.port).await?,
            None => TcpStream::connect((&*self.host, self.port)).await?,
        };
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(self.secured.connect(stream).await?))
    }
}

impl Service<http::Uri> for Dial {
    type Response = TokioIo<Pin<Box<dyn Stream>>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
