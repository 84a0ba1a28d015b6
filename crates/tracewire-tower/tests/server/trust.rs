//! Whom the layer believes: callers with their traces, proxies with their headers.

use crate::recorded::{layer, server_span};
use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{SpanId, TraceContextExt, TraceId, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire_testing::{Capture, Span, Spans};
use tracewire_tower::{
    ServerLayer,
    server::{ProxyHeaders, Trust, TrustedProxies},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The server span of one request, and how many baggage entries its handler saw.
async fn send(capture: &Capture, layer: ServerLayer, headers: &[(&str, &str)]) -> (Span, String) {
    let app = Router::new()
        .route("/", get(async || Context::current().baggage().len().to_string()))
        .layer(layer);
    let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let mut request = Request::get("/").extension(ConnectInfo(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let entries = response.into_body().collect().await.unwrap().to_bytes();
    (server_span(capture), String::from_utf8(entries.to_vec()).unwrap())
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

#[tokio::test]
async fn linked_caller_chooses_neither_trace_nor_baggage() {
    let capture = Capture::new();
    let layer = layer(&capture).trust(Trust::Link);
    let parent = traceparent("01");
    let headers = [("traceparent", &*parent), ("baggage", "a=1")];
    let (span, entries) = send(&capture, layer, &headers).await;

    assert_ne!(span.trace_id, TraceId::from_hex(TRACE).unwrap());
    span.is_root();
    let [link] = &span.links[..] else { panic!("{span:?}") };
    assert_eq!(link.trace_id, TraceId::from_hex(TRACE).unwrap());
    assert_eq!(link.span_id, SpanId::from_hex(PARENT).unwrap());
    assert_eq!(entries, "0");
}

#[tokio::test]
async fn linked_caller_cannot_switch_sampling_off() {
    let capture = Capture::new();
    let layer = layer(&capture).trust(Trust::Link);
    send(&capture, layer, &[("traceparent", &traceparent("00"))]).await;
}

#[tokio::test]
async fn linked_caller_cannot_switch_sampling_on() {
    let capture = Capture::with(|spans| {
        spans.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
    });
    let app = Router::new().route("/", get(async || "")).layer(layer(&capture).trust(Trust::Link));
    let request = Request::get("/").header("traceparent", traceparent("01"));
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(capture.spans().is_empty());
}

#[tokio::test]
async fn link_clears_the_ambient_context_too() {
    let capture = Capture::new();
    let tracer = capture.tracer_provider().tracer("test");
    let ambient = Context::new().with_span(tracer.start("ambient"));
    let layer = layer(&capture).trust(Trust::Link);
    let mut sent = Box::pin(send(&capture, layer, &[]));
    let (span, _) = std::future::poll_fn(|cx| {
        let _guard = ambient.clone().attach();
        sent.as_mut().poll(cx)
    })
    .await;
    span.is_root();
    assert!(span.links.is_empty());
}

#[tokio::test]
async fn ignored_caller_leaves_no_trace() {
    let capture = Capture::new();
    let layer = layer(&capture).trust(Trust::Ignore);
    let parent = traceparent("01");
    let headers = [("traceparent", &*parent), ("baggage", "a=1")];
    let (span, entries) = send(&capture, layer, &headers).await;
    assert_ne!(span.trace_id, TraceId::from_hex(TRACE).unwrap());
    assert!(span.links.is_empty());
    assert_eq!(entries, "0");
}

#[tokio::test]
async fn trust_is_decided_request_by_request() {
    for (key, continued) in [("friend", true), ("stranger", false)] {
        let capture = Capture::new();
        let layer = layer(&capture).trust_by(|request| {
            match request.headers.get("x-who").map(http::HeaderValue::as_bytes) {
                Some(b"friend") => Trust::Continue,
                _ => Trust::Link,
            }
        });
        let parent = traceparent("01");
        let (span, _) = send(&capture, layer, &[("x-who", key), ("traceparent", &parent)]).await;
        let same = span.trace_id == TraceId::from_hex(TRACE).unwrap();
        assert_eq!(same, continued, "{key}");
    }
}

#[tokio::test]
async fn caller_who_makes_the_trust_hook_panic_is_ignored() {
    let capture = Capture::new();
    let layer = layer(&capture).trust_by(|request| {
        let who = request.headers["x-who"].to_str().unwrap();
        if who == "friend" { Trust::Continue } else { Trust::Link }
    });
    let parent = traceparent("01");
    let headers = [("x-who", "caf\u{e9}"), ("traceparent", &*parent), ("baggage", "a=1")];
    let (span, entries) = send(&capture, layer, &headers).await;
    span.is_root();
    assert_ne!(span.trace_id, TraceId::from_hex(TRACE).unwrap());
    assert_eq!(entries, "0");
}

const FORWARDED: [(&str, &str); 4] = [
    ("host", "inner.example:9000"),
    ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
    ("x-forwarded-host", "shop.example"),
    ("x-forwarded-proto", "https"),
];

/// What is recorded of a request with these headers.
async fn forwarded(proxies: Option<TrustedProxies>) -> Spans {
    let capture = Capture::new();
    let layer = match proxies {
        Some(proxies) => layer(&capture).trusted_proxies(proxies),
        None => layer(&capture),
    };
    send(&capture, layer.client_port(true), &FORWARDED).await;
    capture.spans()
}

#[tokio::test]
async fn forwarded_headers_of_strangers_are_not_believed() {
    let others = TrustedProxies::networks(["172.16.0.0/12"]).unwrap();
    for proxies in [None, Some(others)] {
        forwarded(proxies).await.assert_snapshot(
            r#"
            GET / [server]
            | client.address = "10.0.0.1"
            | client.port = 4711
            | http.request.method = "GET"
            | http.response.status_code = 200
            | http.route = "/"
            | network.peer.address = "10.0.0.1"
            | network.peer.port = 4711
            | network.protocol.version = "1.1"
            | server.address = "inner.example"
            | server.port = 9000
            | url.path = "/"
            | url.scheme = "http"
            "#,
        );
    }
}

#[tokio::test]
async fn forwarded_headers_of_trusted_proxies_are_believed() {
    let networks = TrustedProxies::networks(["10.0.0.0/8"]).unwrap();
    for proxies in [networks, TrustedProxies::hops(1)] {
        let proxies = proxies.headers(ProxyHeaders::XForwarded { proto: true, host: true });
        forwarded(Some(proxies)).await.assert_snapshot(
            r#"
            GET / [server]
            | client.address = "192.0.2.7"
            | http.request.method = "GET"
            | http.response.status_code = 200
            | http.route = "/"
            | network.peer.address = "10.0.0.1"
            | network.peer.port = 4711
            | network.protocol.version = "1.1"
            | server.address = "shop.example"
            | url.path = "/"
            | url.scheme = "https"
            "#,
        );
    }
    let spans = forwarded(Some(TrustedProxies::all())).await;
    spans.only().has("client.address", "6.6.6.6");
}
