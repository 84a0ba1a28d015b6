//! What a handler's future or body owns is dropped inside the request, while its span is open.

use crate::recorded::{layer, server_span};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use opentelemetry::{
    Context,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::SdkTracer;
use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{self, Poll, Waker},
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tracewire_testing::Capture;

/// Starts a span when it is dropped, and counts the drops in an open span.
struct Guard {
    tracer: SdkTracer,
    open: Arc<AtomicUsize>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tracer.start("dropped");
        if Context::current().span().is_recording() {
            self.open.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Scene {
    capture: Capture,
    open: Arc<AtomicUsize>,
}

impl Scene {
    fn new() -> Self {
        Self { capture: Capture::new(), open: Arc::default() }
    }

    fn guard(&self) -> Guard {
        let tracer = self.capture.tracer_provider().tracer("test");
        Guard { tracer, open: self.open.clone() }
    }

    /// One guard was dropped, below the request's span and while that was open.
    #[track_caller]
    fn check(&self, case: &str) {
        let spans = self.capture.spans();
        assert_eq!(spans.len(), 2, "{case}: {spans}");
        spans.one("dropped").is_child_of(&server_span(&self.capture));
        assert_eq!(self.open.load(Ordering::Relaxed), 1, "{case}");
    }
}

/// Something that owns a guard for as long as it lives, as what is written by hand does.
struct Owns<T> {
    inner: Pin<Box<T>>,
    _guard: Guard,
}

impl<T> Owns<T> {
    fn new(scene: &Scene, inner: T) -> Self {
        Self { inner: Box::pin(inner), _guard: scene.guard() }
    }
}

impl<F: Future> Future for Owns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<B: Body> Body for Owns<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.inner.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn request(method: Method) -> Request<Empty<Bytes>> {
    Request::builder().method(method).uri("/").body(Empty::new()).unwrap()
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;

/// A service whose future is `future`, once.
fn answering<F: Future<Output = Answer>>(
    scene: &Scene,
    future: F,
) -> impl Service<Request<Empty<Bytes>>, Future: Future> {
    let mut future = Some(Owns::new(scene, future));
    layer(&scene.capture).layer(service_fn(move |_| future.take().expect("called once")))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(Waker::noop()))
}

#[test]
fn future_that_is_ready_is_dropped_inside_the_request() {
    let scene = Scene::new();
    let answer = Response::new(Full::default());
    let mut service = answering(&scene, ready(Ok(answer)));
    let mut future = Box::pin(service.call(request(Method::GET)));
    assert!(poll(future.as_mut()).is_ready());
    scene.check("even if the future around it lives on");
    drop(future);
}

#[test]
fn future_that_is_cancelled_is_dropped_inside_the_request() {
    for polls in [0, 1] {
        let scene = Scene::new();
        let mut service = answering(&scene, pending());
        let mut future = Box::pin(service.call(request(Method::GET)));
        for _ in 0..polls {
            assert!(poll(future.as_mut()).is_pending());
        }
        drop(future);
        scene.check("cancelled");
    }
}

#[test]
fn future_that_panics_is_dropped_inside_the_request() {
    let scene = Scene::new();
    let panics = std::future::poll_fn(|_| -> Poll<Answer> { panic!("on purpose") });
    let mut service = answering(&scene, panics);
    let mut future = Box::pin(service.call(request(Method::GET)));
    let caught = catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()).is_ready()));
    assert!(caught.is_err());
    scene.check("panicked");
    server_span(&scene.capture).has("error.type", "panic");
}

#[test]
fn request_body_that_the_service_kept_is_dropped_inside_the_request() {
    let scene = Scene::new();
    let body = Owns::new(&scene, Empty::<Bytes>::new());
    let mut service = layer(&scene.capture).layer(service_fn(|request: Request<_>| async move {
        let _request = request;
        pending::<Answer>().await
    }));
    drop(service.call(Request::new(body)));
    scene.check("request body");
}

type TestBody = UnsyncBoxBody<Bytes, BoxError>;

fn frames<const N: usize>(frames: [Result<Frame<Bytes>, BoxError>; N]) -> TestBody {
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Answers with `response`, reads up to so many frames of it, and drops it.
async fn read(scene: &Scene, method: Method, response: Response<TestBody>, frames: usize) {
    let mut response = Some(response.map(|body| Owns::new(scene, body)));
    let service = layer(&scene.capture).layer(service_fn(move |_| {
        ready(Ok::<_, Infallible>(response.take().expect("called once")))
    }));
    let mut body = service.oneshot(request(method)).await.unwrap().into_body();
    for _ in 0..frames {
        if body.frame().await.is_none() {
            break;
        }
    }
}

#[tokio::test]
async fn body_is_dropped_inside_the_request_however_it_ends() {
    let declared = |length: u64| {
        let mut response = Response::new(frames([data("ab"), data("c")]));
        response.headers_mut().insert("content-length", length.into());
        response
    };
    let trailers = || Ok(Frame::trailers(HeaderMap::new()));
    let failing = || Err(io::Error::other("on purpose").into());
    let full = Full::from("abc").map_err(|never: Infallible| match never {}).boxed_unsync();
    let cases = [
        ("its end", Response::new(frames([data("a")])), 2, None),
        ("its last frame", Response::new(full), 1, None),
        ("its trailers", Response::new(frames([data("a"), trailers()])), 2, None),
        ("its declared length", declared(3), 2, None),
        ("its end before the declared length", declared(9), 3, Some("body")),
        ("more than the declared length", declared(1), 3, Some("body")),
        ("an error", Response::new(frames([data("a"), failing()])), 2, Some("body")),
        ("a caller who went away", Response::new(frames([data("a")])), 1, Some("cancelled")),
        ("a caller who read nothing", Response::new(frames([data("a")])), 0, Some("cancelled")),
        (
            "no frame at all",
            Response::new(Empty::new().map_err(BoxError::from).boxed_unsync()),
            0,
            None,
        ),
    ];
    for (case, response, frames, error) in cases {
        let scene = Scene::new();
        read(&scene, Method::GET, response, frames).await;
        scene.check(case);
        let span = server_span(&scene.capture);
        assert_eq!(span.attribute("error.type"), error.map(Into::into).as_ref(), "{case}");
    }
}

#[tokio::test]
async fn body_that_nobody_reads_is_dropped_inside_the_request() {
    for (method, status) in [
        (Method::HEAD, StatusCode::OK),
        (Method::GET, StatusCode::NOT_MODIFIED),
        (Method::GET, StatusCode::SWITCHING_PROTOCOLS),
        (Method::CONNECT, StatusCode::OK),
    ] {
        let scene = Scene::new();
        let mut response = Response::new(frames([data("unread")]));
        *response.status_mut() = status;
        response.headers_mut().insert("content-length", 1000.into());
        read(&scene, method, response, 0).await;
        scene.check(status.as_str());
        server_span(&scene.capture).has_no("error.type");
    }
}

#[tokio::test]
async fn body_that_panics_is_dropped_inside_the_request() {
    struct Panics;

    impl Body for Panics {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            self: Pin<&mut Self>,
            _cx: &mut task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            panic!("on purpose")
        }
    }

    let scene = Scene::new();
    let reading = read(&scene, Method::GET, Response::new(Panics.boxed_unsync()), 1);
    let mut reading = Box::pin(reading);
    let caught = catch_unwind(AssertUnwindSafe(|| poll(reading.as_mut()).is_ready()));
    assert!(caught.is_err());
    drop(reading);
    scene.check("panicked");
    server_span(&scene.capture).has("error.type", "panic");
}

#[tokio::test]
async fn excluded_request_drops_its_work_in_the_callers_context() {
    let scene = Scene::new();
    let guard = scene.guard();
    let mut guarded = Some(guard);
    let mut service = layer(&scene.capture).exclude_paths(["/"]).layer(service_fn(move |_| {
        let guard = guarded.take();
        async move {
            let _guard = guard;
            pending::<Answer>().await
        }
    }));
    let mut request = request(Method::GET);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", parent.parse().unwrap());
    drop(service.call(request));
    let dropped = scene.capture.spans().one("dropped");
    assert_eq!(dropped.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
}
