//! Every way an exchange can end, each exactly once.

use crate::recorder::{Recorder, attributes};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody, channel::Channel};
use opentelemetry::trace::Status;
use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

type TestBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;

fn request(method: Method) -> Request<Empty<Bytes>> {
    Request::builder().method(method).uri("/").body(Empty::new()).unwrap()
}

fn full(text: &'static str) -> TestBody {
    Full::from(text).map_err(|never: Infallible| match never {}).boxed_unsync()
}

fn frames<const N: usize>(frames: [Result<Frame<Bytes>, BoxError>; N]) -> TestBody {
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// The status, `error.type` and status code of the one span, and that the metric agrees.
fn ended(recorder: &Recorder) -> (Status, Option<String>, Option<String>) {
    let span = recorder.server_span();
    let on_span = attributes(&span.attributes);
    let durations = recorder.durations();
    assert_eq!(durations.len(), 1, "{durations:?}");
    let (on_metric, count) = &durations[0];
    assert_eq!(*count, 1);
    for name in ["error.type", "http.response.status_code"] {
        assert_eq!(on_span.get(name), on_metric.get(name), "{name}");
    }
    assert_eq!(recorder.active_requests().iter().map(|point| point.1).sum::<i64>(), 0);
    (
        span.status,
        on_span.get("error.type").cloned(),
        on_span.get("http.response.status_code").cloned(),
    )
}

fn complete(status: &str) -> (Status, Option<String>, Option<String>) {
    (Status::Unset, None, Some(format!("int {status}")))
}

fn failed(error: &str, status: Option<&str>) -> (Status, Option<String>, Option<String>) {
    (Status::error(""), Some(error.to_owned()), status.map(|status| format!("int {status}")))
}

/// Answers `method` with `response`, hands the response to `read`, and tells how it ended.
async fn answer<F>(
    method: Method,
    response: Response<TestBody>,
    read: impl FnOnce(Response<tracewire_tower::server::ResponseBody<TestBody>>) -> F,
) -> (Status, Option<String>, Option<String>)
where
    F: Future<Output = ()>,
{
    let recorder = Recorder::new();
    let mut response = Some(response);
    let service = recorder.layer().active_requests(true).layer(service_fn(move |_: Request<_>| {
        ready(Ok::<_, Infallible>(response.take().expect("asked once")))
    }));
    let response = service.oneshot(request(method)).await.unwrap();
    read(response).await;
    ended(&recorder)
}

async fn drain<B: Body>(response: Response<B>) {
    let mut body = pin!(response.into_body());
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            break;
        }
    }
}

async fn drop_unread<B>(response: Response<B>) {
    drop(response);
}

/// Polls until `frames` frames have come, and never again.
async fn read_frames<B: Body>(response: Response<B>, frames: usize) {
    let mut body = pin!(response.into_body());
    for _ in 0..frames {
        body.frame().await.expect("a frame").unwrap_or_else(|_| panic!("an error"));
    }
}

#[tokio::test]
async fn body_read_to_its_end_is_complete() {
    let response = Response::new(frames([data("a"), data("b")]));
    assert_eq!(answer(Method::GET, response, drain).await, complete("200"));
}

#[tokio::test]
async fn client_errors_are_no_server_errors() {
    let mut response = Response::new(full("no"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    assert_eq!(answer(Method::GET, response, drain).await, complete("404"));
}

#[tokio::test]
async fn server_errors_are_errors_by_their_code() {
    let mut response = Response::new(full("oh"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(answer(Method::GET, response, drain).await, failed("503", Some("503")));
}

#[tokio::test]
async fn dropped_body_ends_the_exchange_as_cancelled() {
    let response = Response::new(frames([data("a"), data("b")]));
    let outcome = answer(Method::GET, response, |response| read_frames(response, 1)).await;
    assert_eq!(outcome, failed("cancelled", Some("200")));
}

#[tokio::test]
async fn unread_body_ends_the_exchange_as_cancelled() {
    let response = Response::new(frames([data("a")]));
    assert_eq!(answer(Method::GET, response, drop_unread).await, failed("cancelled", Some("200")));
}

#[tokio::test]
async fn failing_body_is_a_body_error() {
    let error = io::Error::other("secret text");
    let response = Response::new(frames([data("a"), Err(error.into())]));
    assert_eq!(answer(Method::GET, response, drain).await, failed("body", Some("200")));
}

#[tokio::test]
async fn empty_body_is_complete_at_the_head() {
    assert_eq!(answer(Method::GET, Response::new(full("")), drop_unread).await, complete("200"));
}

#[tokio::test]
async fn responses_that_have_no_body_are_complete_at_the_head() {
    for (method, status) in [
        (Method::HEAD, "200"),
        (Method::GET, "204"),
        (Method::GET, "304"),
        (Method::GET, "101"),
        (Method::CONNECT, "200"),
    ] {
        // A body is there all the same: nobody will poll it.
        let mut response = Response::new(frames([data("stream")]));
        *response.status_mut() = status.parse().unwrap();
        assert_eq!(answer(method, response, drop_unread).await, complete(status), "{status}");
    }
}

#[tokio::test]
async fn declared_length_is_complete_at_its_last_byte() {
    let mut response = Response::new(frames([data("ab"), data("c")]));
    response.headers_mut().insert("content-length", "3".parse().unwrap());
    let outcome = answer(Method::GET, response, |response| read_frames(response, 2)).await;
    assert_eq!(outcome, complete("200"));
}

#[tokio::test]
async fn declared_length_not_reached_is_cancelled() {
    let mut response = Response::new(frames([data("ab"), data("c")]));
    response.headers_mut().insert("content-length", "3".parse().unwrap());
    let outcome = answer(Method::GET, response, |response| read_frames(response, 1)).await;
    assert_eq!(outcome, failed("cancelled", Some("200")));
}

#[tokio::test]
async fn trailers_are_complete_without_another_poll() {
    let trailers = Ok(Frame::trailers(HeaderMap::new()));
    let response = Response::new(frames([data("a"), trailers]));
    let outcome = answer(Method::GET, response, |response| read_frames(response, 2)).await;
    assert_eq!(outcome, complete("200"));
}

#[tokio::test]
async fn frame_that_ends_the_stream_is_complete_without_another_poll() {
    let outcome =
        answer(Method::GET, Response::new(full("all")), |response| read_frames(response, 1)).await;
    assert_eq!(outcome, complete("200"));
}

#[tokio::test]
async fn open_stream_keeps_the_exchange_open() {
    let recorder = Recorder::new();
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let mut body = Some(body);
    let service = recorder.layer().active_requests(true).layer(service_fn(
        move |_: Request<Empty<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(body.take().expect("asked once"))))
        },
    ));
    let response = service.oneshot(request(Method::GET)).await.unwrap();
    let mut body = pin!(response.into_body());
    sender.send_data(Bytes::from_static(b"a")).await.unwrap();
    body.frame().await.unwrap().unwrap();

    assert!(recorder.spans().is_empty());
    assert_eq!(recorder.active_requests()[0].1, 1);

    drop(sender);
    while body.frame().await.is_some() {}
    assert_eq!(ended(&recorder), complete("200"));
}

#[tokio::test]
async fn failing_service_is_a_service_error() {
    let recorder = Recorder::new();
    let service =
        recorder.layer().active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            ready(Err::<Response<TestBody>, BoxError>("secret".into()))
        }));
    assert!(service.oneshot(request(Method::GET)).await.is_err());
    assert_eq!(ended(&recorder), failed("service", None));
}

#[tokio::test]
async fn service_that_timed_out_is_a_timeout() {
    let recorder = Recorder::new();
    let service =
        recorder.layer().active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            let error = io::Error::from(io::ErrorKind::TimedOut);
            ready(Err::<Response<TestBody>, BoxError>(error.into()))
        }));
    assert!(service.oneshot(request(Method::GET)).await.is_err());
    assert_eq!(ended(&recorder), failed("timeout", None));
}

#[tokio::test]
async fn future_dropped_while_waiting_is_cancelled() {
    let recorder = Recorder::new();
    let mut service =
        recorder.layer().active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            pending::<Result<Response<TestBody>, Infallible>>()
        }));
    let mut future = Box::pin(service.call(request(Method::GET)));
    assert!(futures_util::poll!(&mut future).is_pending());
    assert!(recorder.spans().is_empty());
    drop(future);
    assert_eq!(ended(&recorder), failed("cancelled", None));
}

#[tokio::test]
async fn future_dropped_unpolled_is_cancelled() {
    let recorder = Recorder::new();
    let mut service =
        recorder.layer().active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            pending::<Result<Response<TestBody>, Infallible>>()
        }));
    drop(service.call(request(Method::GET)));
    assert_eq!(ended(&recorder), failed("cancelled", None));
}

#[tokio::test]
async fn panic_in_the_future_is_a_panic_even_when_caught_outside() {
    let recorder = Recorder::new();
    let mut service = recorder.layer().active_requests(true).layer(service_fn(
        |_: Request<Empty<Bytes>>| async {
            if true {
                panic!("on purpose");
            }
            Ok::<_, Infallible>(Response::new(full("")))
        },
    ));
    let mut future = Box::pin(service.call(request(Method::GET)));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let caught = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx).is_ready()));
    assert!(caught.is_err());
    assert_eq!(ended(&recorder), failed("panic", None));
    drop(future);
    assert_eq!(recorder.spans().len(), 1);
}

#[tokio::test]
async fn panic_in_the_call_is_a_panic() {
    let recorder = Recorder::new();
    let mut service = recorder.layer().active_requests(true).layer(service_fn(
        |_: Request<Empty<Bytes>>| -> std::future::Ready<Result<Response<TestBody>, Infallible>> {
            panic!("on purpose")
        },
    ));
    let caught = catch_unwind(AssertUnwindSafe(|| drop(service.call(request(Method::GET)))));
    assert!(caught.is_err());
    assert_eq!(ended(&recorder), failed("panic", None));
}

/// A body that panics when polled.
struct PanickingBody;

impl Body for PanickingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn panic_in_the_body_is_a_panic() {
    let recorder = Recorder::new();
    let service =
        recorder.layer().active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(PanickingBody)))
        }));
    let response = service.oneshot(request(Method::GET)).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let caught = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(&mut cx).is_ready()));
    assert!(caught.is_err());
    assert_eq!(ended(&recorder), failed("panic", Some("200")));
}

#[tokio::test]
async fn body_keeps_its_size_and_its_end() {
    let recorder = Recorder::new();
    let service = recorder.layer().layer(service_fn(|_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(full("abc"))))
    }));
    let body = service.oneshot(request(Method::GET)).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), SizeHint::with_exact(3).exact());
    assert!(!body.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
}
