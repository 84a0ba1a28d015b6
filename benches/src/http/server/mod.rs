//! A server's work: `GET /users/{id}` through a router, and its body to the end.

#[cfg(feature = "peers")]
mod axum_otel;
#[cfg(feature = "peers")]
mod axum_tracing_opentelemetry;
mod bare;
mod empty;
mod floor;
#[cfg(feature = "peers")]
mod opentelemetry_instrumentation_tower;
#[cfg(feature = "peers")]
mod tower_otel;
mod tracewire;

use super::{Case, Records, Side, Variant, telemetry::Telemetry};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Path, State},
    routing::get,
};
use futures_util::FutureExt;
use http::{Extensions, Request, StatusCode};
use http_body_util::BodyExt;
use std::{net::SocketAddr, sync::Arc};
use tower_service::Service;

/// How a variant instruments a router.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// What else it needs of the process.
    set_up: fn(&mut Telemetry),
    wrap: fn(Router<Greeting>) -> Router<Greeting>,
}

/// What a handler answers.
pub(crate) type Greeting = Arc<str>;

pub(super) fn variants() -> Vec<Variant> {
    vec![
        bare::VARIANT,
        empty::VARIANT,
        floor::VARIANT,
        tracewire::VARIANT,
        tracewire::EXEMPLARS,
        tracewire::UNREAD,
        tracewire::WITH_OWN_SDK,
        #[cfg(feature = "peers")]
        opentelemetry_instrumentation_tower::VARIANT,
        #[cfg(feature = "peers")]
        axum_tracing_opentelemetry::VARIANT,
        #[cfg(feature = "peers")]
        axum_otel::VARIANT,
        #[cfg(feature = "peers")]
        tower_otel::VARIANT,
    ]
}

impl Variant {
    const fn server(
        name: &'static str,
        records: Records,
        wrap: fn(Router<Greeting>) -> Router<Greeting>,
    ) -> Self {
        Self { name, records, side: Side::Server(Server { set_up: |_| {}, wrap }) }
    }

    /// A variant that stands on the spans of `tracing`.
    #[cfg(feature = "peers")]
    const fn server_of_log_spans(
        name: &'static str,
        records: Records,
        wrap: fn(Router<Greeting>) -> Router<Greeting>,
    ) -> Self {
        let set_up = super::subscriber::install;
        Self { name, records, side: Side::Server(Server { set_up, wrap }) }
    }
}

impl Server {
    /// These routes, as the variant instruments them in a process with `telemetry`.
    pub(super) fn instrument(
        self,
        routes: Router<Greeting>,
        telemetry: Option<&mut Telemetry>,
    ) -> Router<Greeting> {
        if let Some(telemetry) = telemetry {
            (self.set_up)(telemetry);
        }
        (self.wrap)(routes)
    }

    /// A function that sends one request through the router.
    pub(super) fn request(
        self,
        case: &Case,
        telemetry: Option<&mut Telemetry>,
    ) -> Box<dyn FnMut()> {
        let mut routes = Router::new().route("/users/{id}", get(show));
        for other in 1..case.routes {
            routes = routes.route(&format!("/other{other}/{{id}}"), get(show));
        }
        // With its state applied, as `into_make_service` does once for all requests.
        let mut router = self.instrument(routes, telemetry).with_state("Hello".into());
        let (headers, mut next) = (case.header_maps(), 0);
        Box::new(move || {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = http::Uri::from_static("/users/4711");
            *request.headers_mut() = headers[next].clone();
            next = if next + 1 == headers.len() { 0 } else { next + 1 };
            *request.extensions_mut() = connection();
            let response = async {
                let Ok(response) = router.call(request).await;
                assert_eq!(response.status(), StatusCode::OK);
                let mut body = response.into_body();
                while body.frame().await.is_some() {}
            };
            response.now_or_never().expect("nothing here waits");
        })
    }
}

async fn show(State(greeting): State<Greeting>, Path(id): Path<u32>) -> String {
    assert_eq!(id, 4711);
    greeting.to_string()
}

/// What `into_make_service_with_connect_info` leaves.
fn connection() -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 17], 51_712))));
    extensions
}
