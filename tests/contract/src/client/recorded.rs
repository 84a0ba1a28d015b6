//! What is found in a capture after calls, and what is expected there.

use opentelemetry::{
    Context, Value,
    trace::{SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use std::collections::BTreeMap;
use tracewire_testing::{Capture, Point, Span, Spans};

/// Attributes that are expected.
pub type Attributes = BTreeMap<&'static str, Value>;

/// A context with a span named `parent`, which ends with it.
pub fn parent(capture: &Capture) -> Context {
    let tracer = capture.tracer_provider().tracer("test");
    Context::new().with_span(tracer.start_with_context("parent", &Context::new()))
}

/// Starts and ends a span named `name` in the current context.
pub fn work(capture: &Capture, name: &'static str) {
    drop(capture.tracer_provider().tracer("test").start(name));
}

/// The client spans ended so far.
pub fn client_spans(capture: &Capture) -> Spans {
    capture.spans().of_kind(SpanKind::Client)
}

/// The only client span ended so far.
#[track_caller]
pub fn client_span(capture: &Capture) -> Span {
    client_spans(capture).only()
}

/// The client spans ended so far have exactly these attributes, each its own.
#[track_caller]
pub fn assert_recorded(capture: &Capture, expected: impl IntoIterator<Item = Attributes>) {
    let (spans, expected) = (client_spans(capture), Vec::from_iter(expected));
    assert_eq!(spans.len(), expected.len(), "{spans}");
    for (span, expected) in spans.iter().zip(expected) {
        span.has_exactly(expected);
    }
}

/// The only series of `http.client.request.duration`.
#[track_caller]
pub fn duration(capture: &Capture) -> Point {
    capture.metrics().one("http.client.request.duration").only().clone()
}

/// The only series of a metric, which has exactly these attributes.
#[track_caller]
pub fn measured(capture: &Capture, name: &str, expected: Attributes) -> Point {
    let metrics = capture.metrics();
    let metric = metrics.one(name);
    assert_eq!(metric.only(), metric.point(expected));
    metric.only().clone()
}

/// All that was recorded, as text.
pub fn everything(capture: &Capture) -> String {
    format!("{} {}", capture.spans(), capture.metrics())
}

/// The attributes of every span of a GET that `port` of this host answered with `status`.
pub fn answered(port: u16, url: &str, status: u16) -> Attributes {
    let mut all = Attributes::from([
        ("http.request.method", "GET".into()),
        ("http.response.status_code", i64::from(status).into()),
        ("network.peer.address", "127.0.0.1".into()),
        ("network.peer.port", i64::from(port).into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(port).into()),
        ("url.full", url.to_owned().into()),
    ]);
    if status >= 400 {
        all.insert("error.type", status.to_string().into());
    }
    all
}

/// The same for a request that was sent `count` times before.
pub fn resent(port: u16, url: &str, status: u16, count: u32) -> Attributes {
    let mut all = answered(port, url, status);
    all.insert("http.request.resend_count", i64::from(count).into());
    all
}

/// The attributes of every span of a GET to `port` of this host without a response.
pub fn unanswered(port: u16, url: &str, error: Option<&'static str>) -> Attributes {
    let mut all = answered(port, url, 0);
    all.retain(|key, _| !key.starts_with("network.") && *key != "http.response.status_code");
    if let Some(error) = error {
        all.insert("error.type", error.into());
    }
    all
}
