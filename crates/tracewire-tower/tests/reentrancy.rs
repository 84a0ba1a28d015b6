//! Whatever people hang into the SDK may use the current context, also while we start a span.
#![allow(clippy::unwrap_used)] // a test may

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use std::{convert::Infallible, future::ready, time::Duration};
use tower::{Layer, ServiceExt, service_fn};
use tracewire_tower::{ClientLayer, ServerLayer};

/// A processor that attaches contexts of its own.
#[derive(Debug)]
struct Attaching;

impl SpanProcessor for Attaching {
    fn on_start(&self, _span: &mut Span, parent: &Context) {
        let _attached = parent.with_telemetry_suppressed().attach();
    }

    fn on_end(&self, _span: SpanData) {
        let _attached = Context::new().attach();
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[tokio::test]
async fn processors_may_attach_contexts() {
    let provider = SdkTracerProvider::builder().with_span_processor(Attaching).build();
    let answer = service_fn(|_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let request = || Request::get("http://127.0.0.1/").body(Empty::new()).unwrap();

    let server = ServerLayer::new().tracer_provider(provider.clone()).layer(answer);
    server.oneshot(request()).await.unwrap();
    let client = ClientLayer::new().tracer_provider(provider).layer(answer);
    client.oneshot(request()).await.unwrap();
}
