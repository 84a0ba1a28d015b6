//! A layer that records in a capture, and what is found there.

use contract::propagator;
use opentelemetry::trace::SpanKind;
use tracewire_testing::{Capture, Point, Span};
use tracewire_tower::ServerLayer;

/// A layer with the providers of this capture.
pub(crate) fn layer(capture: &Capture) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator())
}

/// The only server span ended so far.
#[track_caller]
pub(crate) fn server_span(capture: &Capture) -> Span {
    capture.spans().of_kind(SpanKind::Server).only()
}

/// The only series of `http.server.request.duration`.
#[track_caller]
pub(crate) fn duration(capture: &Capture) -> Point {
    capture.metrics().one("http.server.request.duration").only().clone()
}

/// The value of the only series of `http.server.active_requests`.
#[track_caller]
pub(crate) fn active_requests(capture: &Capture) -> f64 {
    let metrics = capture.metrics();
    let point = metrics.one("http.server.active_requests").only();
    assert!(point.integer, "{metrics}");
    point.value
}
