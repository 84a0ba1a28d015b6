//! The connection below gRPC: TCP, to the collector or to a proxy, and TLS on it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::Secured;
use super::tunnel::Tunnel;

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Connects to one host.
#[derive(Clone)]
pub(super) struct Dial {
    host: Arc<str>,
    port: u16,
    proxy: Option<Tunnel>,
    secured: Secured,
}

/// A stream of bytes, plain or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

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

/// The host of `url` as a name or an address.
pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
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
