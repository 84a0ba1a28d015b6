//! axum: the layer inside the router, which knows the route from the start, and around it, where
//! the route is known at the end.

use crate::layers::{no_time, server_layer};
use axum::{Router, extract::Request, routing::any};
use contract::server::{App, Around, Protocol, ServerUnderTest, Setup, app::ROUTES, bodies};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tracewire_tower::server;

mod inside {
    mod http1 {
        contract::server_tests! {
            super::super::InsideHttp1 {
                http1: yes,
                http2: "speaks HTTP/1.1 here, HTTP/2 in `axum::inside::http2`",
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
            super::super::InsideHttp2 {
                http1: "speaks HTTP/2 here, HTTP/1.1 in `axum::inside::http1`",
                http2: yes,
                upgrades: "HTTP/2 has no upgrades",
                trailers: yes,
                middleware: yes,
                panics: yes,
                departures: yes,
            }
        }
    }
}

mod around {
    mod http1 {
        contract::server_tests! {
            super::super::AroundHttp1 {
                http1: yes,
                http2: "speaks HTTP/1.1 here, HTTP/2 in `axum::around::http2`",
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
            super::super::AroundHttp2 {
                http1: "speaks HTTP/2 here, HTTP/1.1 in `axum::around::http1`",
                http2: yes,
                upgrades: "HTTP/2 has no upgrades",
                trailers: yes,
                middleware: yes,
                panics: yes,
                departures: yes,
            }
        }
    }
}

// axum speaks both protocols on one port; the client decides.

struct InsideHttp1;

impl ServerUnderTest for InsideHttp1 {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, inside(&app, &setup)).await;
    }
}

struct InsideHttp2;

impl ServerUnderTest for InsideHttp2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, inside(&app, &setup)).await;
    }
}

struct AroundHttp1;

impl ServerUnderTest for AroundHttp1 {
    const PROTOCOL: Protocol = Protocol::Http1;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, around(&app, &setup)).await;
    }
}

struct AroundHttp2;

impl ServerUnderTest for AroundHttp2 {
    const PROTOCOL: Protocol = Protocol::Http2;

    async fn serve(listener: TcpListener, app: Arc<App>, setup: Setup) {
        serve(listener, around(&app, &setup)).await;
    }
}

fn router(app: &Arc<App>) -> Router {
    ROUTES.into_iter().fold(Router::new(), |router, (route, endpoint)| {
        let app = app.clone();
        let answer =
            async move |request: Request| app.answer(endpoint, request.map(bodies::boxed)).await;
        router.route(route, any(answer))
    })
}

/// The layer as [`Router::layer`] has it: inside the router, once it has routed.
pub(crate) fn inside(app: &Arc<App>, setup: &Setup) -> Router {
    let (router, layer) = (router(app), server_layer(setup));
    match setup.around {
        Around::Nothing => router.layer(layer),
        Around::CatchPanicOutside => router.layer(layer).layer(CatchPanicLayer::new()),
        Around::CatchPanicInside => router.layer(CatchPanicLayer::new()).layer(layer),
        Around::TimeoutOutside => router.layer(layer).layer(no_time()),
    }
}

/// The layer as [`server::wrap_router`] has it.
fn around(app: &Arc<App>, setup: &Setup) -> Router {
    let (router, layer) = (router(app), server_layer(setup));
    match setup.around {
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

async fn serve(listener: TcpListener, router: Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await.expect("never fails");
}
