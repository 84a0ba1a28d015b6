//! docs/proxies.md

mod edge {
    use tracewire::ServerLayer;
    use tracewire::server::{InvalidNetwork, ProxyHeaders, Trust, TrustedProxies};

    /// A service that the internet reaches through a load balancer in 10.0.0.0/8.
    pub(super) fn layer() -> Result<ServerLayer, InvalidNetwork> {
        let proxies = TrustedProxies::networks(["10.0.0.0/8"])?
            .headers(ProxyHeaders::XForwarded { proto: true, host: false });
        Ok(ServerLayer::new().trusted_proxies(proxies).trust(Trust::Link))
    }
}

mod cloudflare {
    use http::HeaderName;
    use tracewire::ServerLayer;
    use tracewire::server::{InvalidNetwork, TrustedProxies};

    /// Cloudflare, then an nginx in 10.0.0.0/8 that accepts connections from Cloudflare only.
    pub(super) fn layer() -> Result<ServerLayer, InvalidNetwork> {
        let proxies = TrustedProxies::networks(["10.0.0.0/8"])?
            .client_address_header(HeaderName::from_static("cf-connecting-ip"));
        Ok(ServerLayer::new().trusted_proxies(proxies))
    }
}

mod both {
    use tracewire::{ServerLayer, server::Trust};

    /// Partners under /partners may continue their traces; everyone else starts a new one.
    pub(super) fn layer() -> ServerLayer {
        ServerLayer::new().trust_by(|request| {
            if request.uri.path().starts_with("/partners/") { Trust::Continue } else { Trust::Link }
        })
    }
}

use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::Request;
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire::ServerLayer;
use tracewire_testing::{Capture, Span};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn span(layer: ServerLayer, path: &str, peer: &str) -> Span {
    let capture = Capture::new();
    let layer = layer.tracer_provider(capture.tracer_provider());
    let app: Router = Router::new().route("/{*path}", get(|| async {})).layer(layer);
    let request = Request::get(path)
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .header("x-forwarded-for", "198.51.100.1, 203.0.113.9")
        .header("x-forwarded-proto", "https")
        .header("cf-connecting-ip", "192.0.2.44")
        .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()))
        .body(Body::empty());
    drop(app.oneshot(request.unwrap()).await.unwrap());
    capture.finished().await.only()
}

#[tokio::test]
async fn the_load_balancer_is_believed_and_the_caller_is_linked() {
    let span = span(edge::layer().unwrap(), "/", "10.0.0.5:4321").await;
    span.has("client.address", "203.0.113.9").has("url.scheme", "https").is_root();
    span.has("network.peer.address", "10.0.0.5");
    assert_eq!(span.links[0].trace_id.to_string(), TRACE);
    assert_ne!(span.trace_id.to_string(), TRACE);
}

#[tokio::test]
async fn the_address_of_cloudflare_is_believed_from_the_proxy_behind_it() {
    let span = span(cloudflare::layer().unwrap(), "/", "10.0.0.5:4321").await;
    span.has("client.address", "192.0.2.44");
    let other = self::span(cloudflare::layer().unwrap(), "/", "192.0.2.7:4321").await;
    other.has("client.address", "192.0.2.7");
}

#[tokio::test]
async fn other_peers_are_not_believed() {
    let span = span(edge::layer().unwrap(), "/", "192.0.2.7:4321").await;
    span.has("client.address", "192.0.2.7").has("url.scheme", "http");
}

#[tokio::test]
async fn paths_of_partners_continue_their_traces() {
    let partner = span(both::layer(), "/partners/7", "192.0.2.7:4321").await;
    assert_eq!(partner.trace_id.to_string(), TRACE);
    let other = span(both::layer(), "/orders/7", "192.0.2.7:4321").await;
    assert_ne!(other.trace_id.to_string(), TRACE);
}
