//! The connection below gRPC: TCP, and our own TLS on it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(feature = "__rustls")]
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tower_service::Service;
use url::Url;

use super::tunnel::Tunnel;

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Connects to one host.
#[derive(Clone)]
pub(super) struct Dial {
    host: Arc<str>,
    port: u16,
    proxy: Option<Tunnel>,
    #[cfg(feature = "__rustls")]
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A stream of bytes, plain or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Dial {
    pub(super) fn new(
        url: &Url,
        proxy: Option<Tunnel>,
        #[cfg(feature = "__rustls")] tls: Option<rustls::ClientConfig>,
    ) -> Result<Self, Error> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        #[cfg(feature = "__rustls")]
        let tls = match tls {
            Some(mut config) => {
                config.alpn_protocols = vec![b"h2".to_vec()];
                let name = ServerName::try_from(host.to_owned())?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
            None => None,
        };
        Ok(Self {
            host: host.into(),
            port: url.port_or_known_default().unwrap_or(4317),
            proxy,
            #[cfg(feature = "__rustls")]
            tls,
        })
    }

    async fn connect(self) -> Result<TokioIo<Pin<Box<dyn Stream>>>, Error> {
        let stream = match &self.proxy {
            Some(proxy) => proxy.connect(&self.host, self.port).await?,
            None => TcpStream::connect((&*self.host, self.port)).await?,
        };
        stream.set_nodelay(true)?;
        #[cfg(feature = "__rustls")]
        if let Some((tls, name)) = self.tls {
            return Ok(TokioIo::new(Box::pin(tls.connect(name, stream).await?)));
        }
        Ok(TokioIo::new(Box::pin(stream)))
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
