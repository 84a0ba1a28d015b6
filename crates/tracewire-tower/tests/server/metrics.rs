//! What is measured, and under which attributes.

use crate::recorded::{active_requests, duration, layer};
use axum::{Router, body::Body, routing::get};
use http::{Method, Request, StatusCode, Version};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

async fn send(app: &Router, request: Request<Body>) {
    let response = app.clone().oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

fn app(capture: &Capture) -> Router {
    Router::new()
        .route("/users/{id}", get(async || "Ada"))
        .layer(layer(capture).active_requests(true))
}

#[tokio::test]
async fn duration_has_the_attributes_of_the_conventions() {
    let capture = Capture::new();
    let request = Request::get("/users/1?q=1")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .body(Body::empty())
        .unwrap();
    send(&app(&capture), request).await;
    capture.metrics().assert_snapshot(concat!(
        "http.server.active_requests [up-down counter] {request}\n",
        r#"| 0 {http.request.method = "GET", url.scheme = "http"}"#,
        "\nhttp.server.request.duration [histogram] s\n",
        r#"| 1 times {http.request.method = "GET", http.response.status_code = 200, "#,
        r#"http.route = "/users/{id}", network.protocol.version = "1.1", url.scheme = "http"}"#,
    ));
}

#[tokio::test]
async fn durations_need_no_tracer() {
    let capture = Capture::new();
    let layer = ServerLayer::new().meter_provider(capture.meter_provider());
    let app = Router::new().route("/users/{id}", get(async || "Ada")).layer(layer);
    send(&app, Request::get("/users/1").body(Body::empty()).unwrap()).await;
    assert!(capture.spans().is_empty());
    assert_eq!(duration(&capture).count, 1);
}

#[tokio::test]
async fn hostile_requests_make_few_series() {
    let capture = Capture::new();
    let app = app(&capture);
    for n in 0..300 {
        let request = Request::builder()
            .method(Method::from_bytes(format!("M{n}").as_bytes()).unwrap())
            .uri(format!("/nowhere/{n}"))
            .header("host", format!("h{n}.example:{n}"))
            .header("user-agent", format!("agent {n}"))
            .body(Body::empty())
            .unwrap();
        send(&app, request).await;
    }
    assert_eq!(duration(&capture).count, 300);
    assert_eq!(active_requests(&capture), 0.0);
}

#[tokio::test]
async fn implausible_declared_sizes_are_not_recorded() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").post(async || "Ada Lovelace"))
        .layer(layer(&capture).body_sizes(true));
    for length in [
        "18446744073709551612",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775807",
        "9007199254740993",
        "1099511627777",
        "+5",
        "-1",
        "5, 5",
        "1e3",
        "00000000000000000000000005",
    ] {
        for _ in 0..2 {
            let request = Request::post("/users/1").header("content-length", length);
            send(&app, request.body("hello".into()).unwrap()).await;
        }
    }
    let request = Request::post("/users/1").header("content-length", "5").body("hello".into());
    send(&app, request.unwrap()).await;
    let metrics = capture.metrics();
    let sizes = metrics.one("http.server.request.body.size").only();
    assert_eq!((sizes.count, sizes.value), (1, 5.0));
    let spans = capture.spans();
    let (honest, others) = spans.split_last().unwrap();
    honest.has("http.request.body.size", 5);
    for span in others {
        assert_eq!(span.attribute("http.request.body.size"), None);
        span.has("http.response.body.size", 12);
    }
}

#[tokio::test]
async fn the_largest_plausible_size_does_not_overflow_a_sum() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/users/{id}", get(async || "Ada").post(async || "Ada Lovelace"))
        .layer(layer(&capture).body_sizes(true));
    for _ in 0..3 {
        let request = Request::post("/users/1").header("content-length", "1099511627776");
        send(&app, request.body("hello".into()).unwrap()).await;
    }
    let metrics = capture.metrics();
    let sizes = metrics.one("http.server.request.body.size").only();
    assert_eq!((sizes.count, sizes.value), (3, 3.0 * 1_099_511_627_776.0));
}

/// One client that varies all it can on 40 routes, each of which answers as it is asked to.
#[tokio::test]
async fn one_hostile_client_leaves_few_series_and_honest_errors_visible() {
    const ROUTES: usize = 40;
    const STATUSES: [u16; 5] = [200, 400, 404, 500, 503];
    let capture = Capture::new();
    let mut app = Router::new();
    for n in 0..ROUTES {
        let answer = async |request: Request<Body>| {
            let status = request.uri().query().unwrap_or_default().parse().unwrap_or(200);
            StatusCode::from_u16(status).unwrap()
        };
        app = app.route(&format!("/route-{n}/{{id}}"), axum::routing::any(answer));
    }
    let app = app.layer(layer(&capture).active_requests(true).body_sizes(true));
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    let methods = methods.into_iter().chain(["QUERY", "BREW", "MADE_UP"]);
    for method in methods {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            for scheme in ["http", "https"] {
                for status in STATUSES {
                    for n in 0..ROUTES {
                        let uri = format!("{scheme}://h{n}.example/route-{n}/1?{status}");
                        let request = Request::builder().method(method).uri(uri).version(version);
                        send(&app, request.body(Body::empty()).unwrap()).await;
                    }
                }
            }
        }
    }
    send(&app, Request::get("/route-7/1?502").body(Body::empty()).unwrap()).await;

    let metrics = capture.metrics();
    for metric in metrics.iter() {
        let bound = 1_000 + ROUTES * (STATUSES.len() + 1);
        assert!(metric.points.len() <= bound, "{}: {}", metric.name, metric.points.len());
        for point in &metric.points {
            assert_eq!(point.attribute("otel.metric.overflow"), None, "{}", metric.name);
        }
    }
    assert!(metrics.one("http.server.active_requests").points.len() <= 11);
    let duration = metrics.one("http.server.request.duration");
    let honest = duration.points.iter().find(|point| {
        point.attribute("http.route") == Some(&"/route-7/{id}".into())
            && point.attribute("http.response.status_code") == Some(&502.into())
            && point.attribute("error.type") == Some(&"502".into())
    });
    assert_eq!(honest.expect("the error is still seen").count, 1);
    let all: u64 = duration.points.iter().map(|point| point.count).sum();
    assert_eq!(all as usize, 12 * 3 * 2 * STATUSES.len() * ROUTES + 1);
}
