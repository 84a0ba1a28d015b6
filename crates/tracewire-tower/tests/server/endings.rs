//! Every way an exchange can end, each exactly once.

use crate::recorded::{active_requests, duration, layer, server_span};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody, channel::Channel};
use opentelemetry::{Value, trace::Status};
use std::{
    convert::Infallible,
    future::{pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tracewire_testing::Capture;

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

/// The status, `error.type` and status code of a span.
type Ended = (Status, Option<Value>, Option<Value>);

/// How the one span ended, and that the metric agrees.
fn ended(capture: &Capture) -> Ended {
    let (span, duration) = (server_span(capture), duration(capture));
    assert_eq!(duration.count, 1);
    for name in ["error.type", "http.response.status_code"] {
        assert_eq!(span.attribute(name), duration.attribute(name), "{name}");
    }
    assert_eq!(active_requests(capture), 0.0);
    let value = |name| span.attribute(name).cloned();
    (span.status.clone(), value("error.type"), value("http.response.status_code"))
}

fn complete(status: u16) -> Ended {
    (Status::Unset, None, Some(i64::from(status).into()))
}

fn failed(error: &'static str, status: Option<u16>) -> Ended {
    (Status::error(""), Some(error.into()), status.map(|status| i64::from(status).into()))
}

/// Answers `method` with `response`, hands the response to `read`, and tells how it ended.
async fn answer<F>(
    method: Method,
    response: Response<TestBody>,
    read: impl FnOnce(Response<tracewire_tower::server::ResponseBody<TestBody>>) -> F,
) -> Ended
where
    F: Future<Output = ()>,
{
    let capture = Capture::new();
    let mut response = Some(response);
    let service = layer(&capture).active_requests(true).layer(service_fn(move |_: Request<_>| {
        ready(Ok::<_, Infallible>(response.take().expect("asked once")))
    }));
    let response = service.oneshot(request(method)).await.unwrap();
    read(response).await;
    ended(&capture)
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
    assert_eq!(answer(Method::GET, response, drain).await, complete(200));
}

#[tokio::test]
async fn client_errors_are_no_server_errors() {
    let mut response = Response::new(full("no"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    assert_eq!(answer(Method::GET, response, drain).await, complete(404));
}

#[tokio::test]
async fn server_errors_are_errors_by_their_code() {
    let mut response = Response::new(full("oh"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(answer(Method::GET, response, drain).await, failed("503", Some(503)));
}

#[tokio::test]
async fn dropped_body_ends_the_exchange_as_cancelled() {
    let response = Response::new(frames([data("a"), data("b")]));
    let outcome = answer(Method::GET, response, |response| read_frames(response, 1)).await;
    assert_eq!(outcome, failed("cancelled", Some(200)));
}

#[tokio::test]
async fn unread_body_ends_the_exchange_as_cancelled() {
    let response = Response::new(frames([data("a")]));
    assert_eq!(answer(Method::GET, response, drop_unread).await, failed("cancelled", Some(200)));
}

#[tokio::test]
async fn failing_body_is_a_body_error() {
    let error = io::Error::other("secret text");
    let response = Response::new(frames([data("a"), Err(error.into())]));
    assert_eq!(answer(Method::GET, response, drain).await, failed("body", Some(200)));
}

#[tokio::test]
async fn empty_body_is_complete_at_the_head() {
    assert_eq!(answer(Method::GET, Response::new(full("")), drop_unread).await, complete(200));
}

#[tokio::test]
async fn responses_that_have_no_body_are_complete_at_the_head() {
    for (method, status) in [
        (Method::HEAD, 200),
        (Method::GET, 204),
        (Method::GET, 304),
        (Method::GET, 101),
        (Method::CONNECT, 200),
    ] {
        // A body is there all the same: nobody will poll it.
        let mut response = Response::new(frames([data("stream")]));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        assert_eq!(answer(method, response, drop_unread).await, complete(status), "{status}");
    }
}

#[tokio::test]
async fn declared_length_is_complete_at_its_last_byte() {
    let mut response = Response::new(frames([data("ab"), data("c")]));
    response.headers_mut().insert("content-length", "3".parse().unwrap());
    let outcome = answer(Method::GET, response, |response| read_frames(response, 2)).await;
    assert_eq!(outcome, complete(200));
}

#[tokio::test]
async fn declared_length_not_reached_is_cancelled() {
    let mut response = Response::new(frames([data("ab"), data("c")]));
    response.headers_mut().insert("content-length", "3".parse().unwrap());
    let outcome = answer(Method::GET, response, |response| read_frames(response, 1)).await;
    assert_eq!(outcome, failed("cancelled", Some(200)));
}

#[tokio::test]
async fn body_of_another_length_than_declared_has_failed() {
    for declared in ["0", "2", "4", "1000"] {
        for trailers in [false, true] {
            let end = Ok(if trailers {
                Frame::trailers(HeaderMap::new())
            } else {
                Frame::data(Bytes::new())
            });
            let mut response = Response::new(frames([data("ab"), data("c"), end]));
            response.headers_mut().insert("content-length", declared.parse().unwrap());
            let outcome = answer(Method::GET, response, drain).await;
            assert_eq!(outcome, failed("body", Some(200)), "{declared}");
        }
    }
    // One that is over before it begins.
    let mut response = Response::new(full(""));
    response.headers_mut().insert("content-length", "1000".parse().unwrap());
    assert_eq!(answer(Method::GET, response, drop_unread).await, failed("body", Some(200)));
}

#[tokio::test]
async fn declared_length_that_is_no_number_declares_nothing() {
    for declared in ["", "-1", "3,3", "0x3", "18446744073709551616"] {
        let mut response = Response::new(frames([data("abc")]));
        response.headers_mut().insert("content-length", declared.parse().unwrap());
        let outcome = answer(Method::GET, response, drain).await;
        assert_eq!(outcome, complete(200), "{declared:?}");
    }
}

#[tokio::test]
async fn declared_length_of_a_response_without_a_body_is_no_promise() {
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 304), (Method::GET, 204)] {
        for body in [full(""), frames([])] {
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert("content-length", "1000".parse().unwrap());
            let outcome = answer(method.clone(), response, drain).await;
            assert_eq!(outcome, complete(status), "{method} {status}");
        }
    }
}

#[tokio::test]
async fn trailers_are_complete_without_another_poll() {
    let trailers = Ok(Frame::trailers(HeaderMap::new()));
    let response = Response::new(frames([data("a"), trailers]));
    let outcome = answer(Method::GET, response, |response| read_frames(response, 2)).await;
    assert_eq!(outcome, complete(200));
}

#[tokio::test]
async fn frame_that_ends_the_stream_is_complete_without_another_poll() {
    let outcome =
        answer(Method::GET, Response::new(full("all")), |response| read_frames(response, 1)).await;
    assert_eq!(outcome, complete(200));
}

#[tokio::test]
async fn open_stream_keeps_the_exchange_open() {
    let capture = Capture::new();
    let (mut sender, body) = Channel::<Bytes>::new(1);
    let mut body = Some(body);
    let service =
        layer(&capture).active_requests(true).layer(service_fn(move |_: Request<Empty<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(body.take().expect("asked once"))))
        }));
    let response = service.oneshot(request(Method::GET)).await.unwrap();
    let mut body = pin!(response.into_body());
    sender.send_data(Bytes::from_static(b"a")).await.unwrap();
    body.frame().await.unwrap().unwrap();

    assert!(capture.spans().is_empty());
    assert_eq!(active_requests(&capture), 1.0);

    drop(sender);
    while body.frame().await.is_some() {}
    assert_eq!(ended(&capture), complete(200));
}

#[tokio::test]
async fn failing_service_is_a_service_error() {
    let capture = Capture::new();
    let service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            ready(Err::<Response<TestBody>, BoxError>("secret".into()))
        }));
    assert!(service.oneshot(request(Method::GET)).await.is_err());
    assert_eq!(ended(&capture), failed("service", None));
}

#[tokio::test]
async fn service_that_timed_out_is_a_timeout() {
    let capture = Capture::new();
    let service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            let error = io::Error::from(io::ErrorKind::TimedOut);
            ready(Err::<Response<TestBody>, BoxError>(error.into()))
        }));
    assert!(service.oneshot(request(Method::GET)).await.is_err());
    assert_eq!(ended(&capture), failed("timeout", None));
}

#[tokio::test]
async fn future_dropped_while_waiting_is_cancelled() {
    let capture = Capture::new();
    let mut service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            pending::<Result<Response<TestBody>, Infallible>>()
        }));
    let mut future = Box::pin(service.call(request(Method::GET)));
    assert!(futures_util::poll!(&mut future).is_pending());
    assert!(capture.spans().is_empty());
    drop(future);
    assert_eq!(ended(&capture), failed("cancelled", None));
}

#[tokio::test]
async fn future_dropped_unpolled_is_cancelled() {
    let capture = Capture::new();
    let mut service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            pending::<Result<Response<TestBody>, Infallible>>()
        }));
    drop(service.call(request(Method::GET)));
    assert_eq!(ended(&capture), failed("cancelled", None));
}

#[tokio::test]
async fn panic_in_the_future_is_a_panic_even_when_caught_outside() {
    let capture = Capture::new();
    let mut service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| async {
            if true {
                panic!("on purpose");
            }
            Ok::<_, Infallible>(Response::new(full("")))
        }));
    let mut future = Box::pin(service.call(request(Method::GET)));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let caught = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx).is_ready()));
    assert!(caught.is_err());
    assert_eq!(ended(&capture), failed("panic", None));
    drop(future);
    assert_eq!(capture.spans().len(), 1);
}

#[tokio::test]
async fn panic_in_the_call_is_a_panic() {
    let capture = Capture::new();
    let mut service = layer(&capture).active_requests(true).layer(service_fn(
        |_: Request<Empty<Bytes>>| -> std::future::Ready<Result<Response<TestBody>, Infallible>> {
            panic!("on purpose")
        },
    ));
    let caught = catch_unwind(AssertUnwindSafe(|| drop(service.call(request(Method::GET)))));
    assert!(caught.is_err());
    assert_eq!(ended(&capture), failed("panic", None));
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
    let capture = Capture::new();
    let service =
        layer(&capture).active_requests(true).layer(service_fn(|_: Request<Empty<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(PanickingBody)))
        }));
    let response = service.oneshot(request(Method::GET)).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let caught = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(&mut cx).is_ready()));
    assert!(caught.is_err());
    assert_eq!(ended(&capture), failed("panic", Some(200)));
}

#[tokio::test]
async fn body_keeps_its_size_and_its_end() {
    let capture = Capture::new();
    let service = layer(&capture).layer(service_fn(|_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(Response::new(full("abc"))))
    }));
    let body = service.oneshot(request(Method::GET)).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), SizeHint::with_exact(3).exact());
    assert!(!body.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
}
