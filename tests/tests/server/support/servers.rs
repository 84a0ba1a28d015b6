//! The servers under test: the same application and the same layer, served by different stacks.

use super::{
    app::{App, Endpoint, ROUTES},
    bodies::{self, Body},
};
use axum::{Router, routing::any};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tonic::{
    service::Routes,
    transport::server::{TcpConnectInfo, TcpIncoming},
};
use tower::{
    BoxError, Layer, Service, ServiceExt, service_fn,
    util::{BoxCloneSyncService, MapRequestLayer},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tracewire::{
    ServerLayer,
    server::{self, ExchangeHandle, PeerAddress},
};

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// What else stands around the application, beside our layer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Around {
    #[default]
    Nothing,
    /// Panics are caught outside our layer.
    CatchPanicOutside,
    /// Panics are caught inside our layer, which sees a plain 500.
    CatchPanicInside,
    /// Outside our layer, a time limit that is over at once.
    TimeoutOutside,
}

/// A server that the whole contract must hold for.
pub(crate) trait ServerUnderTest: 'static {
    const PROTOCOL: Protocol;

    /// Serves `app` inside `layer`, until it is aborted.
    fn serve(
        listener: TcpListener,
        app: Arc<App>,
        layer: ServerLayer,
        around: Around,
    ) -> impl Future<Output = ()> + Send;
}

pub(crate) struct AxumHttp1;
pub(crate) struct AxumHttp2;
pub(crate) struct AxumAround;
pub(crate) struct HyperHttp1;
pub(crate) struct HyperHttp2;
pub(crate) struct TonicHttp2;

impl ServerUnderTest for AxumHttp1 {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        serve_axum(listener, inside(app, layer, around)).await;
    }
}

/// axum speaks both protocols on one port; the client decides.
impl ServerUnderTest for AxumHttp2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        serve_axum(listener, inside(app, layer, around)).await;
    }
}

/// The layer stands around the router, where it learns of routes only later.
impl ServerUnderTest for AxumAround {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        serve_axum(listener, outside(app, layer, around)).await;
    }
}

impl ServerUnderTest for HyperHttp1 {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        serve_hyper(listener, Self::PROTOCOL, surround(routed(app), layer, around)).await;
    }
}

impl ServerUnderTest for HyperHttp2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        serve_hyper(listener, Self::PROTOCOL, surround(routed(app), layer, around)).await;
    }
}

/// tonic's server, which speaks HTTP/2 alone, with plain routes beside its services.
impl ServerUnderTest for TonicHttp2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, layer: ServerLayer, around: Around) {
        let router = inside(app, layer, around).layer(MapRequestLayer::new(tell_peer));
        tonic::transport::Server::builder()
            .add_routes(Routes::from(router))
            .serve_with_incoming(TcpIncoming::from(listener))
            .await
            .expect("never fails");
    }
}

/// Where tonic says who the peer is, said as our layer reads it.
fn tell_peer(mut request: axum::extract::Request) -> axum::extract::Request {
    let info = request.extensions().get::<TcpConnectInfo>();
    if let Some(peer) = info.and_then(TcpConnectInfo::remote_addr) {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    request
}

fn router(app: &Arc<App>) -> Router {
    ROUTES.into_iter().fold(Router::new(), |router, (route, endpoint)| {
        let app = app.clone();
        let answer = async move |request: axum::extract::Request| {
            app.answer(endpoint, request.map(bodies::boxed)).await
        };
        router.route(route, any(answer))
    })
}

/// The layer as [`Router::layer`] has it: inside the router, once it has routed.
fn inside(app: Arc<App>, layer: ServerLayer, around: Around) -> Router {
    let router = router(&app);
    match around {
        Around::Nothing => router.layer(layer),
        Around::CatchPanicOutside => router.layer(layer).layer(CatchPanicLayer::new()),
        Around::CatchPanicInside => router.layer(CatchPanicLayer::new()).layer(layer),
        Around::TimeoutOutside => router.layer(layer).layer(no_time()),
    }
}

/// The layer as [`server::wrap_router`] has it.
fn outside(app: Arc<App>, layer: ServerLayer, around: Around) -> Router {
    let router = router(&app);
    match around {
        Around::Nothing => server::wrap_router(router, layer),
        Around::CatchPanicOutside => {
            server::wrap_router(router, layer).layer(CatchPanicLayer::new())
        }
        Around::CatchPanicInside => {
            server::wrap_router(router.layer(CatchPanicLayer::new()), layer)
        }
        Around::TimeoutOutside => server::wrap_router(router, layer).layer(no_time()),
    }
}

async fn serve_axum(listener: TcpListener, router: Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await.expect("never fails");
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

fn surround(app: Plain, layer: ServerLayer, around: Around) -> Plain {
    match around {
        Around::Nothing => plain(layer.layer(app)),
        Around::CatchPanicOutside => plain(CatchPanicLayer::new().layer(layer.layer(app))),
        Around::CatchPanicInside => plain(layer.layer(CatchPanicLayer::new().layer(app))),
        Around::TimeoutOutside => plain(no_time().layer(layer.layer(app))),
    }
}

fn no_time() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_millis(1))
}

/// The application with a router of our own, which tells the layer its route.
pub(super) fn routed(app: Arc<App>) -> Plain {
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
pub(super) async fn serve_hyper(listener: TcpListener, protocol: Protocol, service: Plain) {
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
/// hyper sees to by itself only on HTTP/1.1.
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
