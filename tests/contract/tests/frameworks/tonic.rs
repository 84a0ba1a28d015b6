//! tonic's server, which speaks HTTP/2 alone, with plain routes beside its services.

use crate::axum::inside;
use contract::server::{App, Protocol, ServerUnderTest, Setup};
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::{
    service::Routes,
    transport::server::{TcpConnectInfo, TcpIncoming},
};
use tower::util::MapRequestLayer;
use tracewire_tower::server::PeerAddress;

mod http2 {
    contract::server_tests! {
        super::Http2 {
            http1: "tonic speaks HTTP/2 alone",
            http2: yes,
            upgrades: "HTTP/2 has no upgrades",
            trailers: yes,
            middleware: yes,
            panics: yes,
            departures: yes,
        }
    }
}

struct Http2;

impl ServerUnderTest for Http2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        let router = inside(&app, &setup).layer(MapRequestLayer::new(tell_peer));
        tonic::transport::Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming(TcpIncoming::from(listener))
            .await
            .expect("never fails");
    }
}

/// Says who the peer is as the layer reads it, where tonic says it in its own way.
fn tell_peer(mut request: axum::extract::Request) -> axum::extract::Request {
    let info = request.extensions().get::<TcpConnectInfo>();
    if let Some(peer) = info.and_then(TcpConnectInfo::remote_addr) {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    request
}
