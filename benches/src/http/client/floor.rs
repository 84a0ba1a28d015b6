//! The least a middleware can do for this one call: the same attributes, written by hand.

use crate::http::{Records, Variant};
use http::{Extensions, HeaderValue};
use opentelemetry::{
    Context, KeyValue, StringValue,
    global::{self, BoxedTracer},
    metrics::Histogram,
    trace::{Span, SpanBuilder, SpanContext, SpanKind, Tracer},
};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next};
use std::{sync::Arc, time::Instant};

pub(super) const VARIANT: Variant =
    Variant::client("floor", Records::Everything, |client| client.with(Floor::new()));

struct Floor {
    tracer: BoxedTracer,
    duration: Histogram<f64>,
}

impl Floor {
    fn new() -> Self {
        let boundaries =
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        let duration = global::meter("floor")
            .f64_histogram("http.client.request.duration")
            .with_unit("s")
            .with_boundaries(boundaries.to_vec())
            .build();
        Self { tracer: global::tracer("floor"), duration }
    }
}

#[async_trait::async_trait]
impl Middleware for Floor {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let started = Instant::now();
        let url = request.url();
        let host = StringValue::from(Arc::<str>::from(url.host_str().unwrap_or_default()));
        let port =
            KeyValue::new("server.port", i64::from(url.port_or_known_default().unwrap_or(80)));
        let mut attributes = Vec::with_capacity(6);
        attributes.push(KeyValue::new("http.request.method", "GET"));
        attributes.push(KeyValue::new("url.full", url.as_str().to_owned()));
        attributes.push(KeyValue::new("server.address", host.clone()));
        attributes.push(port.clone());
        let span =
            SpanBuilder::from_name("GET").with_kind(SpanKind::Client).with_attributes(attributes);
        let mut span = Context::map_current(|parent| self.tracer.build_with_context(span, parent));
        if let Some(value) = traceparent(span.span_context()) {
            request.headers_mut().insert("traceparent", value);
        }
        let response = next.run(request, extensions).await?;
        let status =
            KeyValue::new("http.response.status_code", i64::from(response.status().as_u16()));
        let version = KeyValue::new("network.protocol.version", "1.1");
        span.set_attribute(status.clone());
        span.set_attribute(version.clone());
        span.end();
        let attributes = [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("server.address", host),
            port,
            status,
            version,
        ];
        self.duration.record(started.elapsed().as_secs_f64(), &attributes);
        Ok(response)
    }
}

fn traceparent(span: &SpanContext) -> Option<HeaderValue> {
    let mut value = *b"00-................................-................-00";
    hex(&span.trace_id().to_bytes(), &mut value[3..35]);
    hex(&span.span_id().to_bytes(), &mut value[36..52]);
    hex(&[span.trace_flags().to_u8()], &mut value[53..]);
    HeaderValue::from_bytes(&value).ok()
}

fn hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, text) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        text[0] = DIGITS[usize::from(byte >> 4)];
        text[1] = DIGITS[usize::from(byte & 15)];
    }
}
