//! A `tracing` span for people who keep the log spans of tower-http.

use super::route;
use http::Request;
use opentelemetry::{Context, trace::TraceContextExt};
use tower_http::trace::MakeSpan;
use tracewire_propagation::current;
use tracing::{Level, Span, field::Empty};

/// Makes the span of tower-http's `TraceLayer` carry the trace.
///
/// The span is called `request` and has `http.request.method` (`_OTHER` where it is not one of the
/// conventions' ten), `http.route` where a route matched,
/// and `trace_id` and `span_id` of the server span around it, so that every log line inside can be
/// found from the trace. Put `TraceLayer` inside our layer: in axum, add it first. Outside of it the ids
/// appear once the request has reached our layer, which is after `TraceLayer` has logged its beginning.
///
/// The span is for log lines. `Telemetry::span_layer` does not export it, because the request has its server
/// span; with a span maker of your own, that layer exports a second span of the request, which is the root of
/// a trace of its own if `TraceLayer` is outside and the caller sends a trace header.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_http::trace::TraceLayer;
/// use tracewire_tower::{ServerLayer, server::RequestSpan};
///
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async { "Ada" }))
///     .layer(TraceLayer::new_for_http().make_span_with(RequestSpan::new()))
///     .layer(ServerLayer::new());
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RequestSpan {
    level: Level,
}

impl RequestSpan {
    /// Spans of level `INFO`.
    pub fn new() -> Self {
        Self { level: Level::INFO }
    }

    /// Spans of another level.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

impl Default for RequestSpan {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> MakeSpan<B> for RequestSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let method = tracewire_http::KnownMethods::conventional(request.method());
        // The level of a span is part of its static description.
        macro_rules! request_span {
            ($level:expr) => {
                tracing::span!(
                    $level,
                    "request",
                    http.request.method = %method,
                    http.route = Empty,
                    trace_id = Empty,
                    span_id = Empty,
                )
            };
        }
        let span = match self.level {
            Level::ERROR => request_span!(Level::ERROR),
            Level::WARN => request_span!(Level::WARN),
            Level::INFO => request_span!(Level::INFO),
            Level::DEBUG => request_span!(Level::DEBUG),
            Level::TRACE => request_span!(Level::TRACE),
        };
        if let Some(route) = route::of(request, route::original_uri(request)) {
            span.record("http.route", &*route);
        }
        current::with(|context| record_ids(&span, context));
        span
    }
}

/// Shows the ids of the server span that has just begun in the `RequestSpan` around it, which was made
/// before there were any.
pub(super) fn show_ids(server: &Context) {
    let span = Span::current();
    if span.metadata().is_some_and(|metadata| metadata.target() == module_path!()) {
        record_ids(&span, server);
    }
}

fn record_ids(span: &Span, server: &Context) {
    let server = server.span();
    let server = server.span_context();
    if server.is_valid() {
        span.record("trace_id", tracing::field::display(server.trace_id()));
        span.record("span_id", tracing::field::display(server.span_id()));
    }
}
