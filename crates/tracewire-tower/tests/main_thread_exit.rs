//! A program whose main thread ends with requests under way, in a runtime in a thread-local.
//!
//! It has no test harness, because tests run on other threads than the main one.
#![allow(clippy::unwrap_used)] // a test may

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::Context;
use std::{cell::RefCell, convert::Infallible, future::pending};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

/// Looks at what was recorded when everything else is gone.
struct Check(Option<Capture>);

impl Drop for Check {
    fn drop(&mut self) {
        let Some(capture) = &self.0 else { return };
        let (spans, metrics) = (capture.spans(), capture.metrics());
        let ended = spans.iter().filter(|span| span.attribute("error.type").is_some()).count();
        let active = metrics.one("http.server.active_requests").only().value;
        // A panic here aborts the program, which fails the test.
        assert_eq!((ended, active), (5, 0.0), "{spans}\n{metrics}");
    }
}

thread_local! {
    static CHECK: RefCell<Check> = const { RefCell::new(Check(None)) };
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

fn main() {
    // In the order in which they are to be destroyed, last one first.
    let capture = Capture::new();
    CHECK.set(Check(Some(capture.clone())));
    RUNTIME.set(None);
    drop(Context::current());

    let layer = ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .active_requests(true);
    let never = service_fn(|_: Request<Empty<Bytes>>| {
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let service = layer.layer(never);
    let runtime = Builder::new_current_thread().build().unwrap();
    for _ in 0..5 {
        let mut service = service.clone();
        runtime.spawn(async move { service.call(Request::new(Empty::new())).await });
    }
    runtime.block_on(tokio::task::yield_now());
    RUNTIME.set(Some(runtime));
}
