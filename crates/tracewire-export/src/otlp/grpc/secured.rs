//! TLS below gRPC, where the endpoint wants it.

use super::stream::{Error, Stream, host};
use crate::{diagnostics::shown, error::ExportError, transport::tls::Tls};
use std::{pin::Pin, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use url::Url;

/// How a connection is secured: not at all, or by TLS for one name.
#[derive(Clone)]
pub(super) struct Secured(Option<(TlsConnector, ServerName<'static>)>);

impl Secured {
    pub(super) fn new(tls: &Tls, url: &Url) -> Result<Self, ExportError> {
        let Some(mut config) = tls.for_grpc(url)? else { return Ok(Self(None)) };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(host(url).to_owned()).map_err(|error| {
            let endpoint = shown::url(url);
            ExportError::exporter(format!("the exporter cannot use {endpoint} as an endpoint"))
                .with_source(error)
        })?;
        Ok(Self(Some((TlsConnector::from(Arc::new(config)), name))))
    }

    pub(super) async fn connect(self, stream: TcpStream) -> Result<Pin<Box<dyn Stream>>, Error> {
        match self.0 {
            Some((tls, name)) => Ok(Box::pin(tls.connect(name, stream).await?)),
            None => Ok(Box::pin(stream)),
        }
    }
}
