//! The live page mounted in an axum service, beside what it shows.

#![cfg(all(feature = "live", feature = "axum"))]
#![allow(clippy::unwrap_used)] // helpers of tests may

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use tracewire::setup::{Builder, Live};
use tracewire::{ServerLayer, Telemetry};

fn builder() -> Builder {
    Telemetry::builder().service_name("shop").traces([]).metrics([])
}

/// Serves the page beside one route, and returns where.
async fn serve(telemetry: &Telemetry, knows_peers: bool) -> String {
    let layer = ServerLayer::new().tracer_provider(telemetry.tracer_provider().unwrap().clone());
    let app = Router::new()
        .route("/items/{id}", get(async || "a lamp"))
        .layer(layer)
        .nest_service("/live", telemetry.live_page());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    if knows_peers {
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async { axum::serve(listener, app).await });
    } else {
        tokio::spawn(async { axum::serve(listener, app).await });
    }
    url
}

async fn ask(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_requests_to_the_service_and_none_of_its_own() {
    let telemetry = builder().live(Live::new()).build().unwrap();
    let url = serve(&telemetry, true).await;
    for path in ["/live", "/live/", "/live/api/traces", "/live/api/running"] {
        assert_eq!(ask(&format!("{url}{path}")).await.0, 200, "{path}");
    }
    assert_eq!(ask(&format!("{url}/items/7")).await.0, 200);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, list) = ask(&format!("{url}/live/api/traces")).await;
        if list.contains("GET /items/{id}") {
            assert!(list.contains("\"seen\":1"), "{list}");
            break;
        }
        assert!(Instant::now() < deadline, "{list}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_not_known_gets_404_and_so_does_everybody_if_the_page_is_off() {
    let telemetry = builder().live(Live::new()).build().unwrap();
    let url = serve(&telemetry, false).await;
    assert_eq!(ask(&format!("{url}/live/")).await.0, 404);
    let off = builder().build().unwrap();
    let url = serve(&off, true).await;
    assert_eq!(ask(&format!("{url}/live/")).await.0, 404);
}
