//! Whom the layer believes: callers with their traces, proxies with their headers.

use crate::recorder::{Attributes, Recorder, attributes};
use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{SpanId, TraceContextExt, TraceId, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use std::net::SocketAddr;
use tower::ServiceExt;
use tracewire_tower::{
    ServerLayer,
    server::{Trust, TrustedProxies},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The server span of one request, and how many baggage entries its handler saw.
async fn send(recorder: &Recorder, layer: ServerLayer, headers: &[(&str, &str)]) -> SpanData {
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
    let mut span = recorder.server_span();
    span.attributes.push(opentelemetry::KeyValue::new(
        "test.baggage",
        String::from_utf8(entries.to_vec()).unwrap(),
    ));
    span
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

#[tokio::test]
async fn linked_caller_chooses_neither_trace_nor_baggage() {
    let recorder = Recorder::new();
    let layer = recorder.layer().trust(Trust::Link);
    let parent = traceparent("01");
    let span = send(&recorder, layer, &[("traceparent", &parent), ("baggage", "a=1")]).await;

    assert_ne!(span.span_context.trace_id(), TraceId::from_hex(TRACE).unwrap());
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert_eq!(span.links.links.len(), 1);
    let link = &span.links.links[0].span_context;
    assert_eq!(link.trace_id(), TraceId::from_hex(TRACE).unwrap());
    assert_eq!(link.span_id(), SpanId::from_hex(PARENT).unwrap());
    assert_eq!(attributes(&span.attributes)["test.baggage"], "0");
}

#[tokio::test]
async fn linked_caller_cannot_switch_sampling_off() {
    let recorder = Recorder::new();
    let layer = recorder.layer().trust(Trust::Link);
    send(&recorder, layer, &[("traceparent", &traceparent("00"))]).await;
}

#[tokio::test]
async fn linked_caller_cannot_switch_sampling_on() {
    let recorder = Recorder::with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    let app = Router::new().route("/", get(async || "")).layer(recorder.layer().trust(Trust::Link));
    let request = Request::get("/").header("traceparent", traceparent("01"));
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(recorder.spans().is_empty());
}

#[tokio::test]
async fn link_clears_the_ambient_context_too() {
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider.tracer("test");
    let ambient = Context::new().with_span(tracer.start("ambient"));
    let layer = recorder.layer().trust(Trust::Link);
    let mut sent = Box::pin(send(&recorder, layer, &[]));
    let span = std::future::poll_fn(|cx| {
        let _guard = ambient.clone().attach();
        sent.as_mut().poll(cx)
    })
    .await;
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    assert!(span.links.links.is_empty());
}

#[tokio::test]
async fn ignored_caller_leaves_no_trace() {
    let recorder = Recorder::new();
    let layer = recorder.layer().trust(Trust::Ignore);
    let parent = traceparent("01");
    let span = send(&recorder, layer, &[("traceparent", &parent), ("baggage", "a=1")]).await;
    assert_ne!(span.span_context.trace_id(), TraceId::from_hex(TRACE).unwrap());
    assert!(span.links.links.is_empty());
    assert_eq!(attributes(&span.attributes)["test.baggage"], "0");
}

#[tokio::test]
async fn trust_is_decided_request_by_request() {
    for (key, continued) in [("friend", true), ("stranger", false)] {
        let recorder = Recorder::new();
        let layer = recorder.layer().trust_by(|request| {
            match request.headers.get("x-who").map(http::HeaderValue::as_bytes) {
                Some(b"friend") => Trust::Continue,
                _ => Trust::Link,
            }
        });
        let parent = traceparent("01");
        let span = send(&recorder, layer, &[("x-who", key), ("traceparent", &parent)]).await;
        let same = span.span_context.trace_id() == TraceId::from_hex(TRACE).unwrap();
        assert_eq!(same, continued, "{key}");
    }
}

const FORWARDED: [(&str, &str); 4] = [
    ("host", "inner.example:9000"),
    ("x-forwarded-for", "6.6.6.6, 192.0.2.7"),
    ("x-forwarded-host", "shop.example"),
    ("x-forwarded-proto", "https"),
];

/// Scheme, server, client and peer, as they are recorded.
async fn addresses(proxies: Option<TrustedProxies>) -> Vec<String> {
    let recorder = Recorder::new();
    let layer = match proxies {
        Some(proxies) => recorder.layer().trusted_proxies(proxies),
        None => recorder.layer(),
    };
    let span = send(&recorder, layer.client_port(true), &FORWARDED).await;
    let attributes: Attributes = attributes(&span.attributes);
    ["url.scheme", "server.address", "server.port", "client.address", "client.port"]
        .into_iter()
        .chain(["network.peer.address", "network.peer.port"])
        .map(|name| attributes.get(name).cloned().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn forwarded_headers_of_strangers_are_not_believed() {
    let own = ["http", "inner.example", "int 9000", "10.0.0.1", "int 4711", "10.0.0.1", "int 4711"];
    assert_eq!(addresses(None).await, own);
    let others = TrustedProxies::networks(["172.16.0.0/12"]).unwrap();
    assert_eq!(addresses(Some(others)).await, own);
}

#[tokio::test]
async fn forwarded_headers_of_trusted_proxies_are_believed() {
    let told = ["https", "shop.example", "", "192.0.2.7", "", "10.0.0.1", "int 4711"];
    let networks = TrustedProxies::networks(["10.0.0.0/8"]).unwrap();
    for proxies in [networks, TrustedProxies::hops(1)] {
        assert_eq!(addresses(Some(proxies)).await, told);
    }
    assert_eq!(addresses(Some(TrustedProxies::all())).await[3], "6.6.6.6");
}
