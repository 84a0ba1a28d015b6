//! What `fuzz/` drives: the console's printers, answers of collectors, and OTLP as JSON.

use crate::{
    console::{self, Finished, Origin},
    pipeline::counts::Counts,
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use std::sync::Arc;

#[cfg(all(feature = "logs", feature = "otlp-grpc", feature = "otlp-json"))]
pub use crate::otlp::fuzzing::{
    Rejected, grpc_answer, json_answer, log_bodies, metrics_json, protobuf_answer, proxy_answer,
    retried, span_lines,
};

/// Returns the spans of one trace as the console's tree shows them, without colors.
#[must_use]
pub fn tree(spans: &[SpanData], service: &str) -> String {
    let (voice, signal) = (Arc::default(), "spans");
    let counts = Counts::sharing(signal, "console", Default::default(), voice, Default::default());
    let origin = Arc::new(Origin { service: Some(service.to_owned()), counts: Arc::new(counts) });
    let finished: Vec<_> = spans
        .iter()
        .map(|span| Finished {
            span: Arc::new(span.clone()),
            bytes: 0,
            origin: Arc::clone(&origin),
        })
        .collect();
    console::tree_of(&finished)
}

/// Encodes spans as bodies of requests to a Zipkin server.
#[cfg(feature = "zipkin")]
#[must_use]
pub fn zipkin_bodies(spans: &[SpanData], service: &str) -> Vec<Vec<u8>> {
    let format = crate::zipkin::Format(service.to_owned().into());
    let mut spans: std::collections::VecDeque<_> = spans.iter().cloned().map(Arc::new).collect();
    let mut bodies = Vec::new();
    while !spans.is_empty() {
        bodies.push(crate::pipeline::body::fill(
            crate::pipeline::body::MOST_BODY_BYTES,
            &format,
            &mut spans,
        ));
    }
    bodies
}

/// Returns the span as a line of the console's JSON.
#[must_use]
pub fn json(span: &SpanData, resource: &Resource) -> String {
    console::line_of(span, resource)
}
