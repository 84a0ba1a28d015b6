//! Requests that are dropped while their thread ends: in a thread-local, or in a runtime in one.
#![allow(clippy::unwrap_used)] // a test may
#![cfg(feature = "axum")]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Empty, channel::Channel};
use opentelemetry::{
    Context,
    trace::{SpanKind, Status, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter, SpanProcessor},
};
use std::{
    any::Any,
    cell::RefCell,
    convert::Infallible,
    future::{pending, poll_fn, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::Poll,
    thread,
    time::Duration,
};
use tower::{Layer, Service, service_fn};
use tracewire_propagation::TraceContext;
use tracewire_testing::{Capture, Spans};
use tracewire_tower::{ClientLayer, ServerLayer, server::ExchangeHandle};

thread_local! {
    /// What a thread keeps until its end.
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

fn keep(work: impl Any) {
    KEPT.with_borrow_mut(|kept| kept.push(Box::new(work)));
}

/// Which thread-locals are there before the request.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// OpenTelemetry's first, so that it outlives what is kept.
    ContextFirst,
    /// The one that keeps the request first, so that it outlives OpenTelemetry's.
    KeptFirst,
}

const ORDERS: [Order; 2] = [Order::ContextFirst, Order::KeptFirst];

/// Runs `work` on a thread of its own, and waits until the thread has ended.
fn on_a_thread(order: Order, work: impl FnOnce() + Send) {
    let run = || {
        match order {
            Order::ContextFirst => drop(Context::current()),
            Order::KeptFirst => KEPT.with_borrow_mut(|kept| kept.reserve(8)),
        }
        work();
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap());
}

fn server(capture: &Capture) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .active_requests(true)
        .follow_upgrades(true)
}

fn client(capture: &Capture) -> ClientLayer {
    ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .active_requests(true)
        .end_at_body(true)
}

fn request() -> Request<Empty<Bytes>> {
    Request::get("http://127.0.0.1/").body(Empty::new()).unwrap()
}

/// A future that never gets its response, polled once.
fn waiting<S>(mut service: S) -> Pin<Box<S::Future>>
where
    S: Service<Request<Empty<Bytes>>>,
{
    let mut future = Box::pin(service.call(request()));
    assert!(poll_once(future.as_mut()).is_pending());
    future
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

/// Answers with a body that never ends.
fn endless() -> Response<impl Body<Data = Bytes> + Unpin> {
    let (sender, body) = Channel::<Bytes>::new(1);
    std::mem::forget(sender);
    Response::new(body)
}

/// All spans ended, once each, as these metrics say too, and nothing counts as active.
#[track_caller]
fn ended(capture: &Capture, side: &str, count: u64) -> Spans {
    let metrics = capture.metrics();
    let duration = metrics.one(&format!("http.{side}.request.duration")).only();
    assert_eq!(duration.count, count, "{metrics}");
    let active = metrics.one(&format!("http.{side}.active_requests")).only();
    assert_eq!(active.value, 0.0, "{metrics}");
    let spans = capture.spans();
    assert_eq!(spans.len() as u64, count, "{spans}");
    spans
}

#[track_caller]
fn cancelled(capture: &Capture, count: u64) {
    for span in ended(capture, "server", count).iter() {
        span.is_error().has("error.type", "cancelled");
    }
}

#[test]
fn future_kept_in_a_thread_local_is_cancelled() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            keep(waiting(server(&capture).layer(never)));
        });
        cancelled(&capture, 1);
    }
}

#[test]
fn future_that_another_thread_began_is_cancelled() {
    for order in ORDERS {
        let capture = Capture::new();
        let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
        let future = waiting(server(&capture).layer(never));
        on_a_thread(order, move || {
            drop(Context::current());
            keep(future);
        });
        cancelled(&capture, 1);
    }
}

#[test]
fn body_kept_in_a_thread_local_is_cancelled() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let answers = service_fn(|_| ready(Ok::<_, Infallible>(endless())));
            let mut service = server(&capture).layer(answers);
            let Poll::Ready(Ok(response)) = poll_once(pin!(service.call(request()))) else {
                panic!("answered at once")
            };
            let mut body = Box::pin(response.into_body());
            assert!(poll_once(pin!(poll_fn(|cx| body.as_mut().poll_frame(cx)))).is_pending());
            keep(body);
        });
        cancelled(&capture, 1);
    }
}

#[test]
fn handle_of_an_upgraded_connection_kept_in_a_thread_local_completes_it() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let upgrades = service_fn(|request: Request<Empty<Bytes>>| {
                keep(request.extensions().get::<ExchangeHandle>().unwrap().clone());
                let mut response = Response::new(String::new());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                ready(Ok::<_, Infallible>(response))
            });
            let mut service = server(&capture).layer(upgrades);
            assert!(poll_once(pin!(service.call(request()))).is_ready());
            assert!(capture.spans().is_empty());
        });
        for span in ended(&capture, "server", 1).iter() {
            span.is_status(Status::Unset).has("http.response.status_code", 101);
        }
    }
}

#[test]
fn client_call_and_its_body_kept_in_a_thread_local_end() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            keep(waiting(client(&capture).layer(never)));
            let answers = service_fn(|_| ready(Ok::<_, Infallible>(endless())));
            let mut service = client(&capture).layer(answers);
            let Poll::Ready(Ok(response)) = poll_once(pin!(service.call(request()))) else {
                panic!("answered at once")
            };
            keep(response);
        });
        let spans = capture.spans();
        assert_eq!(spans.len(), 2);
        for span in spans.iter() {
            span.is_status(Status::Unset).has_no("error.type");
        }
        let metrics = capture.metrics();
        let points = &metrics.one("http.client.request.duration").points;
        assert_eq!(points.iter().map(|point| point.count).sum::<u64>(), 2, "{metrics}");
        assert_eq!(metrics.one("http.client.active_requests").only().value, 0.0, "{metrics}");
    }
}

#[test]
fn runtime_in_a_thread_local_cancels_what_is_under_way() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            let service = server(&capture).layer(never);
            for _ in 0..5 {
                let mut service = service.clone();
                runtime.spawn(async move { service.call(request()).await });
            }
            runtime.block_on(tokio::task::yield_now());
            keep(runtime);
        });
        cancelled(&capture, 5);
    }
}

#[test]
fn future_kept_after_a_panic_has_ended_once() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let panics = service_fn(|_| async {
                if true {
                    panic!("on purpose");
                }
                Ok::<_, Infallible>(Response::new(String::new()))
            });
            let mut service = server(&capture).layer(panics);
            let mut future = Box::pin(service.call(request()));
            let caught = catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()).is_ready()));
            assert!(caught.is_err());
            keep(future);
        });
        for span in ended(&capture, "server", 1).iter() {
            span.is_error().has("error.type", "panic");
        }
    }
}

#[test]
fn future_dropped_while_its_thread_unwinds_is_cancelled() {
    let capture = Capture::new();
    let unwound = thread::scope(|scope| {
        let unwinds = scope.spawn(|| {
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            let _future = waiting(server(&capture).layer(never));
            panic!("on purpose");
        });
        unwinds.join()
    });
    assert!(unwound.is_err());
    cancelled(&capture, 1);
}

#[derive(Clone, Debug, Default)]
struct Exporter(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// The SDK's simple processor exports with an executor that has thread-locals of its own.
#[test]
fn processor_that_needs_thread_locals_gets_the_span() {
    for order in ORDERS {
        let exporter = Exporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        on_a_thread(order, || {
            // The executor's are there, and are destroyed before what is kept.
            provider.tracer("test").start("before");
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            let layer = ServerLayer::new().tracer_provider(provider.clone());
            keep(waiting(layer.layer(never)));
        });
        let spans = exporter.0.lock().unwrap();
        let server = spans.iter().filter(|span| span.span_kind == SpanKind::Server);
        assert_eq!(server.count(), 1, "{order:?}: {spans:?}");
    }
}

#[test]
fn classifier_that_panics_in_a_destructor_breaks_nothing() {
    let capture = Capture::new();
    let layer = server(&capture).classify(|_| panic!("on purpose"));
    let never = || service_fn(|_| pending::<Result<Response<String>, Infallible>>());
    drop(waiting(layer.clone().layer(never())));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _future = waiting(layer.clone().layer(never()));
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    on_a_thread(Order::KeptFirst, || keep(waiting(layer.layer(never()))));
    cancelled(&capture, 3);
}

/// A processor that panics, which no exporter of ours does.
#[derive(Debug)]
struct Panics;

impl SpanProcessor for Panics {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {
        panic!("on purpose");
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn processor_that_panics_in_a_destructor_breaks_nothing() {
    let capture = Capture::new();
    let provider = SdkTracerProvider::builder().with_span_processor(Panics).build();
    let layer = server(&capture).tracer_provider(provider);
    let never = || service_fn(|_| pending::<Result<Response<String>, Infallible>>());
    drop(waiting(layer.clone().layer(never())));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _future = waiting(layer.clone().layer(never()));
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    on_a_thread(Order::KeptFirst, || keep(waiting(layer.layer(never()))));
    let metrics = capture.metrics();
    assert_eq!(metrics.one("http.server.request.duration").only().count, 3, "{metrics}");
    assert_eq!(metrics.one("http.server.active_requests").only().value, 0.0, "{metrics}");
}

/// Drops a request's body too where the future is a client's inside of a server's.
#[test]
fn client_call_inside_a_request_ends_before_it() {
    for order in ORDERS {
        let capture = Capture::new();
        on_a_thread(order, || {
            let never = service_fn(|_| pending::<Result<Response<String>, Infallible>>());
            let calls = client(&capture).layer(never);
            let handler = service_fn(move |_: Request<Empty<Bytes>>| {
                let mut calls = calls.clone();
                async move { Ok::<_, Infallible>(calls.call(request()).await.unwrap()) }
            });
            keep(waiting(server(&capture).layer(handler)));
        });
        let spans = capture.spans();
        let [client, server] =
            [SpanKind::Client, SpanKind::Server].map(|kind| spans.of_kind(kind).only());
        client.is_child_of(&server).is_status(Status::Unset);
        server.is_error().has("error.type", "cancelled");
    }
}
