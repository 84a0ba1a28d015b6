//! A layer that is given nothing uses the process's providers, whenever they come.
//!
//! One test alone: it owns the globals of this process.
#![allow(clippy::unwrap_used)] // a test may

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::{
    Context, global,
    trace::{TraceContextExt, TraceId},
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    time::{Duration, Instant},
};
use tower::{Layer, Service};
use tracewire_propagation::{Composite, TraceContext, set_default};
use tracewire_testing::Capture;
use tracewire_tower::{
    ServerLayer,
    server::{ExchangeHandle, ServerService},
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Answers with the trace id that is current in the handler.
///
/// Also where nothing is recorded it finds the handle that it may be written for.
fn answer(request: Request<Empty<Bytes>>) -> Ready<Result<Response<String>, Infallible>> {
    request.extensions().get::<ExchangeHandle>().unwrap().set_route("/");
    let context = Context::current();
    let trace_id = context.span().span_context().trace_id();
    ready(Ok(Response::new(trace_id.to_string())))
}

type Inner = tower::util::ServiceFn<
    fn(Request<Empty<Bytes>>) -> Ready<Result<Response<String>, Infallible>>,
>;

async fn trace_id(service: &mut ServerService<Inner>) -> String {
    use http_body_util::BodyExt;
    let request = Request::get("/").header("traceparent", PARENT).body(Empty::new()).unwrap();
    let body = service.call(request).await.unwrap().into_body();
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn providers_set_after_the_layer_was_built_are_found() {
    let answer: fn(_) -> _ = answer;
    set_default(Arc::new(Composite::new().and(TraceContext::new())));
    let mut service = ServerLayer::new().layer(tower::service_fn(answer));

    // No provider yet: nothing is recorded, and the caller's trace goes on all the same.
    assert_eq!(trace_id(&mut service).await, "0af7651916cd43dd8448eb211c80319c");

    // Set behind our back: found within about a second.
    let first = Capture::new();
    global::set_tracer_provider(first.tracer_provider());
    global::set_meter_provider(first.meter_provider());
    let deadline = Instant::now() + Duration::from_secs(10);
    while first.spans().is_empty() {
        assert!(Instant::now() < deadline, "the provider is never found");
        trace_id(&mut service).await;
    }
    first.metrics().one("http.server.request.duration");

    // Replaced together with the propagator, as a new set-up does: found at once.
    let second = Capture::new();
    global::set_tracer_provider(second.tracer_provider());
    global::set_meter_provider(second.meter_provider());
    set_default(Arc::new(Composite::new()));
    let new_trace = trace_id(&mut service).await;
    let span = second.spans().one("GET /");
    assert_eq!(span.trace_id, TraceId::from_hex(&new_trace).unwrap());
    assert_ne!(new_trace, "0af7651916cd43dd8448eb211c80319c");
    second.metrics().one("http.server.request.duration");
}
