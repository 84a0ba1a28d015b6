//! Plain hyper, serving a Tower service without a framework.

use crate::layers::{no_time, server_layer};
use contract::server::{
    App, Around, Protocol, Running, ServerUnderTest, Setup,
    app::{Endpoint, ROUTES},
    bodies::{self, Body},
};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_http::catch_panic::CatchPanicLayer;
use tracewire_testing::Capture;
use tracewire_tower::{
    ServerLayer,
    server::{ExchangeHandle, PeerAddress},
};

mod http1 {
    contract::server_tests! {
        super::Http1 {
            http1: yes,
            http2: "speaks HTTP/1.1 here, HTTP/2 in `hyper::http2`",
            upgrades: yes,
            trailers: yes,
            middleware: yes,
            panics: yes,
            departures: yes,
        }
    }
}

mod http2 {
    contract::server_tests! {
        super::Http2 {
            http1: "speaks HTTP/2 here, HTTP/1.1 in `hyper::http1`",
            http2: yes,
            upgrades: "HTTP/2 has no upgrades",
            trailers: yes,
            middleware: yes,
            panics: yes,
            departures: yes,
        }
    }
}

struct Http1;

impl ServerUnderTest for Http1 {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, Self::PROTOCOL, surround(routed(app), &setup)).await;
    }
}

struct Http2;

impl ServerUnderTest for Http2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, Self::PROTOCOL, surround(routed(app), &setup)).await;
    }
}

/// A Tower stack of the test's own: `stack` puts it together from the application, with its routes,
/// and our layer.
pub(crate) async fn stacked(
    protocol: Protocol,
    stack: impl FnOnce(Plain, ServerLayer) -> Plain,
) -> Running {
    let setup = Setup::new(Capture::new());
    Running::serve(protocol, Http1::SCOPE, setup, |listener, app, setup| {
        serve(listener, protocol, stack(routed(app), server_layer(&setup)))
    })
    .await
}

/// A service of any kind, as a plain Tower stack has it.
pub(crate) type Plain = BoxCloneSyncService<Request<Body>, Response<Body>, io::Error>;

pub(crate) fn plain<S, B>(service: S) -> Plain
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: hyper::body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_response(|response| response.map(bodies::boxed));
    BoxCloneSyncService::new(service.map_err(|error| io::Error::other(error.into())))
}

fn surround(app: Plain, setup: &Setup) -> Plain {
    let layer = server_layer(setup);
    match setup.around {
        Around::Nothing => plain(layer.layer(app)),
        Around::CatchPanicOutside => plain(CatchPanicLayer::new().layer(layer.layer(app))),
        Around::CatchPanicInside => plain(layer.layer(CatchPanicLayer::new().layer(app))),
        Around::TimeoutOutside => plain(no_time().layer(layer.layer(app))),
    }
}

/// The application with a router of our own, which tells the layer its route.
fn routed(app: Arc<App>) -> Plain {
    plain(service_fn(move |request: Request<Body>| {
        let app = app.clone();
        async move {
            let Some((route, endpoint)) = find(request.uri().path()) else {
                let mut response = Response::new(bodies::empty());
                *response.status_mut() = StatusCode::NOT_FOUND;
                return Ok::<_, Infallible>(response);
            };
            if let Some(handle) = request.extensions().get::<ExchangeHandle>() {
                handle.set_route(route);
            }
            Ok(app.answer(endpoint, request).await)
        }
    }))
}

fn find(path: &str) -> Option<(&'static str, Endpoint)> {
    ROUTES.into_iter().find(|(route, _)| {
        route.split('/').count() == path.split('/').count()
            && route.split('/').zip(path.split('/')).all(|(a, b)| a.starts_with('{') || a == b)
    })
}

/// Serves a Tower service without a framework, until aborted.
async fn serve(listener: TcpListener, protocol: Protocol, service: Plain) {
    loop {
        let (socket, peer) = listener.accept().await.expect("loopback accepts");
        let service = TowerToHyperService::new(connected(service.clone(), protocol, peer));
        let socket = TokioIo::new(socket);
        // How a connection ends is what the client sees; here it does not matter.
        match protocol {
            Protocol::Http1 => {
                let http = hyper::server::conn::http1::Builder::new();
                let connection = http.serve_connection(socket, service).with_upgrades();
                tokio::spawn(async move { drop(connection.await) });
            }
            Protocol::Http2 => {
                let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let connection = http.serve_connection(socket, service);
                tokio::spawn(async move { drop(connection.await) });
            }
        }
    }
}

/// `service` for one connection: hyper's bodies, the peer known, and no body for `HEAD`, which
/// hyper leaves out on HTTP/1.1 alone.
fn connected(
    service: Plain,
    protocol: Protocol,
    peer: SocketAddr,
) -> BoxCloneSyncService<Request<Incoming>, Response<Body>, io::Error> {
    BoxCloneSyncService::new(service_fn(move |mut request: Request<Incoming>| {
        let service = service.clone();
        async move {
            request.extensions_mut().insert(PeerAddress(peer));
            let bare = protocol == Protocol::Http2 && request.method() == Method::HEAD;
            let response = service.oneshot(request.map(bodies::boxed)).await?;
            Ok(if bare { response.map(|_| bodies::empty()) } else { response })
        }
    }))
}
