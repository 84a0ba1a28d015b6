//! Streams: their reader may leave, and how long it stays is no latency.

use crate::recorded::{active_requests, duration, layer, server_span};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use opentelemetry::trace::Status;
use std::{
    convert::Infallible,
    future::ready,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tracewire_testing::{Capture, Point};
use tracewire_tower::{
    ServerLayer,
    server::{Clock, ExchangeHandle, ResponseBody, RpcMethods, Verdict},
};

type TestBody = UnsyncBoxBody<Bytes, BoxError>;

/// A clock that goes on when it is told to.
#[derive(Clone, Debug)]
struct Hand {
    start: Instant,
    seconds: Arc<AtomicU64>,
}

impl Hand {
    fn new() -> Self {
        Self { start: Instant::now(), seconds: Arc::default() }
    }

    fn wait(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn passed(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        self.start + self.passed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.passed()
    }
}

/// A stream that can be left, and what is recorded of it. Every response takes one second, and each
/// wait after it ten.
struct Scene {
    capture: Capture,
    clock: Hand,
}

impl Scene {
    fn new() -> Self {
        Self { capture: Capture::new(), clock: Hand::new() }
    }

    fn layer(&self) -> ServerLayer {
        layer(&self.capture).active_requests(true).clock(self.clock.clone())
    }

    async fn answer(
        &self,
        layer: ServerLayer,
        request: Request<Empty<Bytes>>,
        response: Response<TestBody>,
    ) -> ResponseBody<TestBody> {
        let (clock, mut response) = (self.clock.clone(), Some(response));
        let service = layer.layer(service_fn(move |_: Request<Empty<Bytes>>| {
            clock.wait(1);
            ready(Ok::<_, Infallible>(response.take().expect("called once")))
        }));
        let body = service.oneshot(request).await.unwrap().into_body();
        self.clock.wait(10);
        body
    }

    /// How long the span took, in seconds.
    #[track_caller]
    fn span_seconds(&self) -> u64 {
        let span = server_span(&self.capture);
        span.end_time.duration_since(span.start_time).unwrap().as_secs()
    }
}

fn get() -> Request<Empty<Bytes>> {
    Request::get("/").body(Empty::new()).unwrap()
}

fn events<const N: usize>(
    content_type: &str,
    frames: [Result<&'static str, BoxError>; N],
) -> Response<TestBody> {
    let frames =
        frames.map(|frame| frame.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
    let mut response =
        Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync());
    response.headers_mut().insert("content-type", content_type.parse().unwrap());
    response
}

/// The duration, recorded once, that took so many seconds.
#[track_caller]
fn took(point: &Point, seconds: f64) {
    assert_eq!((point.count, point.value), (1, seconds), "{point:?}");
}

#[tokio::test]
async fn reader_who_leaves_an_event_stream_is_no_error() {
    for content_type in [
        "text/event-stream",
        "text/event-stream; charset=utf-8",
        "multipart/x-mixed-replace; boundary=f",
        "application/grpc",
    ] {
        let scene = Scene::new();
        let response = events(content_type, [Ok("data: a\n\n"), Ok("data: b\n\n")]);
        let mut body = scene.answer(scene.layer(), get(), response).await;
        body.frame().await.unwrap().unwrap();
        // Measured while it is open, and active until it ends.
        took(&duration(&scene.capture), 1.0);
        assert!(scene.capture.spans().is_empty());
        assert_eq!(active_requests(&scene.capture), 1.0);

        drop(body);
        server_span(&scene.capture).is_status(Status::Unset).has_no("error.type");
        assert_eq!(scene.span_seconds(), 11);
        took(&duration(&scene.capture), 1.0);
        assert_eq!(active_requests(&scene.capture), 0.0);
    }
}

#[tokio::test]
async fn event_stream_read_to_its_end_is_complete() {
    let scene = Scene::new();
    let response = events("text/event-stream", [Ok("data: a\n\n")]);
    let body = scene.answer(scene.layer(), get(), response).await;
    body.collect().await.unwrap();
    server_span(&scene.capture).is_status(Status::Unset).has_no("error.type");
    assert_eq!(scene.span_seconds(), 11);
    took(&duration(&scene.capture), 1.0);
}

#[tokio::test]
async fn event_stream_that_fails_is_a_body_error() {
    let scene = Scene::new();
    let error = io::Error::other("secret");
    let response = events("text/event-stream", [Ok("data: a\n\n"), Err(error.into())]);
    let body = scene.answer(scene.layer(), get(), response).await;
    body.collect().await.unwrap_err();
    server_span(&scene.capture).is_error().has("error.type", "body");
    let duration = duration(&scene.capture);
    took(&duration, 1.0);
    assert_eq!(duration.attribute("error.type"), None, "it was measured before");
}

#[tokio::test]
async fn event_stream_of_an_error_status_is_an_error() {
    let scene = Scene::new();
    let mut response = events("text/event-stream", [Ok("data: a\n\n")]);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    drop(scene.answer(scene.layer(), get(), response).await);
    server_span(&scene.capture).is_error().has("error.type", "503");
    assert_eq!(duration(&scene.capture).attribute("error.type"), Some(&"503".into()));
}

#[tokio::test]
async fn other_responses_stay_what_they_were() {
    let scene = Scene::new();
    let response = events("text/html", [Ok("<html>"), Ok("</html>")]);
    let mut body = scene.answer(scene.layer(), get(), response).await;
    body.frame().await.unwrap().unwrap();
    let metrics = scene.capture.metrics();
    assert!(metrics.iter().all(|metric| metric.name != "http.server.request.duration"));
    drop(body);
    server_span(&scene.capture).is_error().has("error.type", "cancelled");
    took(&duration(&scene.capture), 11.0);
}

#[tokio::test]
async fn one_option_decides_for_any_response() {
    let by_header = |layer: ServerLayer| {
        layer.is_stream(|response| response.headers.get("x-stream").map(|stream| stream == "yes"))
    };
    for (content_type, says, stream) in
        [("application/x-ndjson", "yes", true), ("text/event-stream", "no", false)]
    {
        let scene = Scene::new();
        let mut response = events(content_type, [Ok("{}"), Ok("{}")]);
        response.headers_mut().insert("x-stream", says.parse().unwrap());
        drop(scene.answer(by_header(scene.layer()), get(), response).await);
        let span = server_span(&scene.capture);
        let error = (!stream).then(|| "cancelled".into());
        assert_eq!(span.attribute("error.type"), error.as_ref(), "{content_type}");
        took(&duration(&scene.capture), if stream { 1.0 } else { 11.0 });
    }
    // Where it says nothing, or panics, the content type decides.
    for layer in [by_header, |layer: ServerLayer| layer.is_stream(|_| panic!("on purpose"))] {
        let scene = Scene::new();
        let response = events("text/event-stream", [Ok("data: a\n\n")]);
        drop(scene.answer(layer(scene.layer()), get(), response).await);
        server_span(&scene.capture).has_no("error.type");
    }
}

#[tokio::test]
async fn classifier_judges_a_stream_at_its_head_and_at_its_end() {
    let scene = Scene::new();
    let layer = scene.layer().classify(|ending| match ending.status {
        Some(StatusCode::NOT_FOUND) => Verdict::Status(StatusCode::NOT_FOUND),
        _ => ending.verdict,
    });
    let mut response = events("text/event-stream", [Ok("data: a\n\n")]);
    *response.status_mut() = StatusCode::NOT_FOUND;
    drop(scene.answer(layer, get(), response).await);
    server_span(&scene.capture).is_error().has("error.type", "404");
    assert_eq!(duration(&scene.capture).attribute("error.type"), Some(&"404".into()));
}

#[tokio::test]
async fn followed_upgrade_is_measured_at_its_response() {
    let upgrades =
        [(Method::GET, StatusCode::SWITCHING_PROTOCOLS), (Method::CONNECT, StatusCode::OK)];
    for (method, status) in upgrades {
        let scene = Scene::new();
        let (clock, layer) = (scene.clock.clone(), scene.layer().follow_upgrades(true));
        let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
        let service = layer.layer(service_fn(move |request: Request<Empty<Bytes>>| {
            clock.wait(1);
            keep.send(request.extensions().get::<ExchangeHandle>().unwrap().clone()).unwrap();
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = status;
            ready(Ok::<_, Infallible>(response))
        }));
        let request = Request::builder().method(method).uri("/").body(Empty::new()).unwrap();
        drop(service.oneshot(request).await.unwrap());
        scene.clock.wait(10);
        took(&duration(&scene.capture), 1.0);
        assert!(scene.capture.spans().is_empty());
        assert_eq!(active_requests(&scene.capture), 1.0);
        drop(kept.recv().await.unwrap());
        server_span(&scene.capture).is_status(Status::Unset);
        assert_eq!(scene.span_seconds(), 11);
        took(&duration(&scene.capture), 1.0);
        assert_eq!(active_requests(&scene.capture), 0.0);
    }
}

mod grpc {
    use super::*;
    use http::HeaderMap;

    const MESSAGE: &str = "\0\0\0\0\x01m";

    /// The body of a call that brings so many messages, and then its status.
    async fn call(scene: &Scene, messages: usize) -> ResponseBody<TestBody> {
        let message = || Ok::<_, BoxError>(Frame::data(Bytes::from_static(MESSAGE.as_bytes())));
        let status = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
        let frames = (0..messages).map(move |_| message()).chain([Ok(Frame::trailers(status))]);
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
        let layer = scene.layer().grpc(RpcMethods::new(["v1.Shop/Watch"]));
        let request = Request::post("/v1.Shop/Watch").header("content-type", "application/grpc");
        scene.answer(layer, request.body(Empty::new()).unwrap(), Response::new(body)).await
    }

    fn rpc_duration(scene: &Scene) -> Option<Point> {
        let metrics = scene.capture.metrics();
        let metric = metrics.iter().find(|metric| metric.name == "rpc.server.call.duration")?;
        Some(metric.only().clone())
    }

    #[tokio::test]
    async fn caller_who_leaves_a_stream_is_no_error() {
        // Before the first message, after it, and in the middle.
        for read in [0, 1, 2] {
            let scene = Scene::new();
            let mut body = call(&scene, 3).await;
            for _ in 0..read {
                body.frame().await.unwrap().unwrap();
            }
            // A second message shows that it is a stream.
            assert_eq!(rpc_duration(&scene).is_some(), read == 2);
            drop(body);
            server_span(&scene.capture).is_status(Status::Unset).has_no("error.type");
            assert_eq!(scene.span_seconds(), 11);
            took(&rpc_duration(&scene).unwrap(), 1.0);
        }
    }

    #[tokio::test]
    async fn stream_read_to_its_trailers_has_its_status() {
        let scene = Scene::new();
        call(&scene, 3).await.collect().await.unwrap();
        server_span(&scene.capture).is_status(Status::Unset).has("rpc.response.status_code", "OK");
        took(&rpc_duration(&scene).unwrap(), 1.0);
    }

    #[tokio::test]
    async fn caller_who_leaves_after_the_trailers_changes_nothing() {
        let scene = Scene::new();
        let mut body = call(&scene, 1).await;
        while !body.frame().await.unwrap().unwrap().is_trailers() {}
        drop(body);
        server_span(&scene.capture).has("rpc.response.status_code", "OK").has_no("error.type");
    }

    #[tokio::test]
    async fn call_of_one_message_is_measured_to_its_trailers() {
        let scene = Scene::new();
        call(&scene, 1).await.collect().await.unwrap();
        let duration = rpc_duration(&scene).unwrap();
        took(&duration, 11.0);
        assert_eq!(duration.attribute("rpc.response.status_code"), Some(&"OK".into()));
    }
}
