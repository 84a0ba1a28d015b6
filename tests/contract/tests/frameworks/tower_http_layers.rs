//! tower-http's layers around ours and inside it, in any order.

use crate::hyper::{Plain, plain, stacked};
use contract::server::{
    Protocol,
    bodies::{self, Body},
};
use futures_util::future::join_all;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt;
use opentelemetry::{Array, Value};
use std::time::Duration;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::{
    body::Limited,
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    sensitive_headers::{SetSensitiveRequestHeadersLayer, SetSensitiveResponseHeadersLayer},
    timeout::{ResponseBodyTimeoutLayer, TimeoutLayer},
};
use tracewire_tower::{ServerLayer, server::HeaderSelector};

const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// One layer of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Ours,
    Timeout,
    CatchPanic,
    Compression,
    RequestId,
    BodyLimit,
}

const PARTS: [Part; 6] = [
    Part::Ours,
    Part::Timeout,
    Part::CatchPanic,
    Part::Compression,
    Part::RequestId,
    Part::BodyLimit,
];

#[derive(Clone, Copy)]
struct SameId;

impl MakeRequestId for SameId {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<RequestId> {
        Some(RequestId::new(HeaderValue::from_static("id-1")))
    }
}

impl Part {
    fn around(self, inner: Plain, ours: &ServerLayer) -> Plain {
        match self {
            Self::Ours => plain(ours.layer(inner)),
            Self::Timeout => plain(timeout().layer(inner)),
            Self::CatchPanic => plain(CatchPanicLayer::new().layer(inner)),
            Self::Compression => plain(CompressionLayer::new().layer(inner)),
            Self::RequestId => plain(
                SetRequestIdLayer::x_request_id(SameId)
                    .layer(PropagateRequestIdLayer::x_request_id().layer(inner)),
            ),
            Self::BodyLimit => plain(RequestBodyLimitLayer::new(8).layer(
                inner.map_request(|request: Request<Limited<Body>>| request.map(bodies::boxed)),
            )),
        }
    }
}

/// Long enough for every request that is answered at all.
fn timeout() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1))
}

fn strings(value: &'static str) -> Value {
    Value::Array(Array::String(vec![value.into()]))
}

/// Every layer is once the outermost, with the others in their order and in reverse.
fn orders() -> impl Iterator<Item = Vec<Part>> {
    (0..PARTS.len()).flat_map(|first| {
        let mut order = PARTS.to_vec();
        order.rotate_left(first);
        let reverse = order.iter().rev().copied().collect();
        [order, reverse]
    })
}

#[tokio::test]
async fn layers_work_in_any_order() {
    let stacks = PROTOCOLS.into_iter().flat_map(|protocol| {
        orders().map(move |order| async move { check_order(protocol, &order).await })
    });
    join_all(stacks).await;
}

async fn check_order(protocol: Protocol, order: &[Part]) {
    let place = |part| order.iter().position(|other| *other == part).expect("every part is there");
    let inside = |part| place(part) > place(Part::Ours);
    let running = stacked(protocol, |app, layer| {
        let layer = layer.capture_request_headers(HeaderSelector::new(["x-request-id"]));
        order.iter().rev().fold(app, |inner, part| part.around(inner, &layer))
    })
    .await;
    let mut client = running.connect().await;
    let expected = |method: &'static str, path: &'static str| {
        let expected = running.expected(client.address, path).method(method).route(path);
        match inside(Part::RequestId) {
            true => expected,
            false => expected.set("http.request.header.x-request-id", strings("id-1")),
        }
    };
    let [file, panic, wait, upload] = [
        expected("GET", "/file"),
        match inside(Part::CatchPanic) {
            true => expected("GET", "/panic").status(500).error("500"),
            false => expected("GET", "/panic").unanswered("panic"),
        },
        match inside(Part::Timeout) {
            true => expected("GET", "/wait").status(504).error("504"),
            false => expected("GET", "/wait").unanswered("cancelled"),
        },
        // The limit answers before the router is asked.
        expected("POST", "/upload").status(413).unrouted(),
    ];

    let request = client.request("GET", "/file").header(header::ACCEPT_ENCODING, "gzip");
    let answer = client.ask(request.body(bodies::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{order:?}");
    assert_eq!(answer.headers[header::CONTENT_ENCODING], "gzip", "{order:?}");
    assert_eq!(answer.headers["x-request-id"], "id-1", "{order:?}");
    file.check(&running.ended(1).await.one("GET /file"));

    assert_eq!(client.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR, "{order:?}");
    panic.check(&running.ended(3).await.one("GET /panic"));

    assert_eq!(client.get("/wait").await.status, StatusCode::GATEWAY_TIMEOUT, "{order:?}");
    wait.check(&running.ended(4).await.one("GET /wait"));

    let request = client.request("POST", "/upload").header(header::CONTENT_LENGTH, 9);
    let answer = client.ask(request.body(bodies::full("too large")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{order:?}");
    match inside(Part::BodyLimit) {
        true => upload.check(&running.ended(5).await.one("POST")),
        // Refused before it came to us.
        false => drop(running.ended(4).await),
    }
}

/// The types of the bodies fit as well, without a box between the layers.
#[tokio::test]
async fn typed_stacks_fit_together() {
    for protocol in PROTOCOLS {
        let outside = stacked(protocol, |app, ours| {
            let stack = ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(SameId))
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(CompressionLayer::new())
                .layer(CatchPanicLayer::new())
                .layer(RequestBodyLimitLayer::new(8))
                .layer(timeout())
                .layer(ours)
                .map_request(|request: Request<Limited<Body>>| request.map(bodies::boxed));
            plain(stack.service(app))
        });
        let inside = stacked(protocol, |app, ours| {
            let stack = ServiceBuilder::new()
                .layer(ours)
                .layer(SetRequestIdLayer::x_request_id(SameId))
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(CompressionLayer::new())
                .layer(CatchPanicLayer::new())
                .layer(RequestBodyLimitLayer::new(8))
                .layer(timeout())
                .map_request(|request: Request<Limited<Body>>| request.map(bodies::boxed));
            plain(stack.service(app))
        });
        for running in [outside.await, inside.await] {
            let mut client = running.connect().await;
            assert_eq!(client.get("/success").await.body, "success");
            let expected = running.expected(client.address, "/success").route("/success");
            expected.check(&running.server_span(2).await);
        }
    }
}

#[tokio::test]
async fn body_that_is_too_slow_is_a_body_error_inside_and_cancelled_outside() {
    for protocol in PROTOCOLS {
        for (outside, error) in [(false, "body"), (true, "cancelled")] {
            let running = stacked(protocol, |app, ours| {
                let slow = ResponseBodyTimeoutLayer::new(Duration::from_millis(1));
                match outside {
                    true => plain(slow.layer(ours.layer(app))),
                    false => plain(ours.layer(slow.layer(app))),
                }
            })
            .await;
            let mut client = running.connect().await;
            let response = client.head_of("/stream").await;
            assert!(response.into_body().collect().await.is_err());
            let expected = running.expected(client.address, "/stream").route("/stream");
            expected.error(error).check(&running.only().await);
        }
    }
}

/// Marks go on before our layer looks: outside it for requests, inside it for responses.
#[tokio::test]
async fn values_marked_sensitive_are_never_shown() {
    for protocol in PROTOCOLS {
        let running = stacked(protocol, |app, ours| {
            let ours = ours
                .capture_request_headers(HeaderSelector::new(["*"]))
                .capture_response_headers(HeaderSelector::new(["*"]));
            let stack = ServiceBuilder::new()
                .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
                .layer(ours)
                .layer(SetSensitiveResponseHeadersLayer::new([header::HeaderName::from_static(
                    "x-test-response",
                )]));
            plain(stack.service(app))
        })
        .await;
        let mut client = running.connect().await;
        let request = client.request("GET", "/headers").header("authorization", "Bearer secret");
        let answer = client.ask(request.body(bodies::empty()).unwrap()).await;
        assert_eq!(answer.headers["x-test-response"], "test");
        let span = running.only().await;
        span.has("http.request.header.authorization", strings("REDACTED"))
            .has("http.request.header.user-agent", strings("test-user-agent"))
            .has("http.response.header.x-test-response", strings("REDACTED"));
        assert!(!format!("{span:?}").contains("secret"));
    }
}
