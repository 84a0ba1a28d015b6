//! Clients of hyper-util, as services.

use super::{
    BoxError, LIMIT, Setup, UNROUTABLE,
    server::{Server, Transport},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use std::{net::SocketAddr, sync::Arc};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};

/// Any client of hyper-util, with boxed errors.
pub type HttpClient = BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, BoxError>;

/// A client without any layer of ours.
pub fn http_client(server: &Server, setup: Setup) -> HttpClient {
    let mut tcp = HttpConnector::new_with_resolver(tower::service_fn(resolve));
    tcp.enforce_http(false);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(server.transport() == Transport::Http2);
    let Some(config) = trusting(server) else {
        return limited(builder.build(tcp).map_err(Into::into), setup);
    };
    let tls = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
    limited(builder.build(tls.enable_all_versions().wrap_connector(tcp)).map_err(Into::into), setup)
}

/// A configuration that trusts the certificate of `server`, if it speaks TLS. It names no protocols.
pub fn trusting(server: &Server) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate()?.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Some(builder.with_root_certificates(roots).with_no_client_auth())
}

/// `client`, which waits no longer than `setup` says.
pub fn limited<S, B>(
    client: S,
    setup: Setup,
) -> BoxCloneSyncService<Request<Full<Bytes>>, Response<B>, BoxError>
where
    S: tower::Service<Request<Full<Bytes>>, Response = Response<B>, Error = BoxError>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    if setup.limited {
        BoxCloneSyncService::new(ServiceBuilder::new().timeout(LIMIT).service(client))
    } else {
        BoxCloneSyncService::new(client)
    }
}

/// Finds no host, and never ends for [`UNROUTABLE`]. Addresses are not resolved.
pub async fn resolve(name: Name) -> Result<std::vec::IntoIter<SocketAddr>, BoxError> {
    match name.as_str() {
        UNROUTABLE => std::future::pending().await,
        _ => Err("no such host".into()),
    }
}
