//! docs/client-phases.md

mod with_reqwest {
    use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
    use tracewire::ClientMiddleware;

    pub(super) fn client() -> reqwest::Result<ClientWithMiddleware> {
        let mut middleware = ClientMiddleware::new();
        let client = middleware.trace_connections(reqwest::Client::builder()).build()?;
        Ok(ClientBuilder::new(client).with(middleware).build())
    }
}

mod with_hyper {
    use bytes::Bytes;
    use http_body_util::Empty;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use tower::Layer;
    use tracewire::ClientLayer;

    pub(super) fn client()
    -> impl tower::Service<http::Request<Empty<Bytes>>, Error: std::fmt::Debug> {
        let mut layer = ClientLayer::new().connection_metrics(true);
        let builder = Client::builder(TokioExecutor::new());
        let client = layer.trace_connections(&builder, |connections| connections.http());
        layer.layer(client)
    }
}

mod with_tls {
    use bytes::Bytes;
    use http_body_util::Empty;
    use hyper_rustls::HttpsConnector;
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use rustls::ClientConfig;
    use std::sync::Arc;
    use tower::Layer;
    use tracewire::ClientLayer;

    pub(super) fn client(
        config: ClientConfig,
    ) -> impl tower::Service<http::Request<Empty<Bytes>>, Error: std::fmt::Debug> {
        let config = Arc::new(config);
        let mut layer = ClientLayer::new();
        let builder = Client::builder(TokioExecutor::new());
        let client = layer.trace_connections(&builder, |connections| {
            HttpsConnector::from((connections.tcp(), config))
        });
        layer.layer(client)
    }
}

use bytes::Bytes;
use http_body_util::Empty;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

async fn shop() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let shop = axum::Router::new().route("/", axum::routing::get(|| async { "a lamp" }));
    tokio::spawn(async move { axum::serve(listener, shop).await });
    url
}

async fn call(
    client: impl Service<http::Request<Empty<Bytes>>, Error: std::fmt::Debug>,
    url: String,
) {
    let request = http::Request::get(url).body(Empty::new()).unwrap();
    assert!(client.oneshot(request).await.is_ok());
}

#[tokio::test]
async fn clients_whose_connections_are_traced_call() {
    let url = shop().await;
    with_reqwest::client().unwrap().get(&url).send().await.unwrap();
    call(with_hyper::client(), url.clone()).await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    call(with_tls::client(config), url).await;
}
