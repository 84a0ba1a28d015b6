//! Every way a call can end that needs no network.

use crate::clients::layer;
use bytes::Bytes;
use contract::client::recorded::{client_span, duration, work};
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use opentelemetry::{Value, trace::Status};
use std::{
    convert::Infallible,
    future::{Ready, pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

type TestBody = UnsyncBoxBody<Bytes, BoxError>;
type Answer = Result<Response<TestBody>, Infallible>;

fn get() -> Request<Empty<Bytes>> {
    Request::get("http://h/").body(Empty::new()).unwrap()
}

fn frames<const N: usize>(frames: [Result<Frame<Bytes>, BoxError>; N]) -> Response<TestBody> {
    Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
}

fn data(text: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn panics<T>(run: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

/// The one call ended in this error, and the metric agrees.
#[track_caller]
fn ended(capture: &Capture, error: Option<&'static str>) {
    let (span, duration) = (client_span(capture), duration(capture));
    let status = if error.is_some() { Status::error("") } else { Status::Unset };
    span.is_status(status);
    let error = error.map(Value::from);
    assert_eq!(span.attribute("error.type"), error.as_ref());
    assert_eq!(duration.attribute("error.type"), error.as_ref());
    assert_eq!(duration.count, 1);
}

#[test]
fn panic_in_the_call_is_a_panic() {
    let capture = Capture::new();
    let mut service =
        layer(&capture).layer(service_fn(|_| -> Ready<Answer> { panic!("on purpose") }));
    panics(|| drop(service.call(get())));
    ended(&capture, Some("panic"));
}

#[test]
fn panic_in_the_future_is_a_panic_even_when_caught_outside() {
    let capture = Capture::new();
    let mut service = layer(&capture).layer(service_fn(|_| async {
        if true {
            panic!("on purpose");
        }
        Ok::<_, Infallible>(frames([]))
    }));
    let mut future = Box::pin(service.call(get()));
    panics(|| poll(future.as_mut()).is_ready());
    ended(&capture, Some("panic"));
    drop(future);
    ended(&capture, Some("panic"));
}

struct PanickingBody;

impl Body for PanickingBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn panic_in_the_body_is_a_panic() {
    let capture = Capture::new();
    let service = layer(&capture)
        .end_at_body(true)
        .layer(service_fn(|_| ready(Ok::<_, Infallible>(Response::new(PanickingBody)))));
    let mut body = service.oneshot(get()).await.unwrap().into_body();
    panics(|| poll(pin!(body.frame())).is_ready());
    ended(&capture, Some("panic"));
}

/// Answers `method` with `response`, and reads it to its end.
async fn read(layer: ClientLayer, method: Method, response: Response<TestBody>) {
    let mut response = Some(response);
    let service = layer.end_at_body(true).layer(service_fn(move |_| {
        ready(Ok::<_, Infallible>(response.take().expect("called once")))
    }));
    let request = Request::builder().method(method).uri("http://h/").body(Empty::<Bytes>::new());
    let mut body = service.oneshot(request.unwrap()).await.unwrap().into_body();
    while let Some(Ok(_)) = body.frame().await {}
}

fn with_header(
    mut response: Response<TestBody>,
    name: &'static str,
    value: &str,
) -> Response<TestBody> {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

#[tokio::test]
async fn body_of_another_length_than_declared_has_failed() {
    // What comes after the last byte that was declared comes after the end of the call.
    for (length, error) in [("3", None), ("2", None), ("1", Some("body")), ("1000", Some("body"))] {
        let capture = Capture::new();
        let response = with_header(frames([data("ab"), data("c")]), "content-length", length);
        read(layer(&capture), Method::GET, response).await;
        ended(&capture, error);
    }
    let capture = Capture::new();
    let trailers = Ok(Frame::trailers(HeaderMap::new()));
    let response = with_header(frames([data("ab"), trailers]), "content-length", "1000");
    read(layer(&capture), Method::GET, response).await;
    ended(&capture, Some("body"));
}

#[tokio::test]
async fn declared_length_of_zero_ends_the_call_with_the_head() {
    let capture = Capture::new();
    let mut response = Some(with_header(frames([]), "content-length", "0"));
    let service = layer(&capture).end_at_body(true).layer(service_fn(move |_| {
        ready(Ok::<_, Infallible>(response.take().expect("called once")))
    }));
    let response = service.oneshot(get()).await.unwrap();
    ended(&capture, None);
    drop(response);
}

#[tokio::test]
async fn declared_length_of_no_body_or_of_an_encoded_one_is_no_promise() {
    let declared = || with_header(frames([]), "content-length", "1000");
    let mut not_modified = declared();
    *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
    let decoded = with_header(frames([data("decoded")]), "content-length", "5");
    for (method, response) in [
        (Method::HEAD, declared()),
        (Method::GET, not_modified),
        (Method::GET, with_header(decoded, "content-encoding", "gzip")),
    ] {
        let capture = Capture::new();
        read(layer(&capture), method, response).await;
        ended(&capture, None);
    }
}

#[tokio::test]
async fn event_stream_is_measured_at_its_head_and_may_be_left() {
    let capture = Capture::new();
    let mut response =
        Some(with_header(frames([data("a"), data("b")]), "content-type", "text/event-stream"));
    let service = layer(&capture).end_at_body(true).layer(service_fn(move |_| {
        ready(Ok::<_, Infallible>(response.take().expect("called once")))
    }));
    let mut body = service.oneshot(get()).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(duration(&capture).count, 1);
    assert!(capture.spans().is_empty());
    drop(body);
    ended(&capture, None);
}

#[tokio::test]
async fn event_stream_that_fails_is_an_error_of_its_span() {
    let capture = Capture::new();
    let failing = frames([data("a"), Err(io::Error::other("secret").into())]);
    let response = with_header(failing, "content-type", "text/event-stream");
    read(layer(&capture), Method::GET, response).await;
    client_span(&capture).is_error().has("error.type", "body");
    assert_eq!(duration(&capture).attribute("error.type"), None);
}

/// Makes a span when it is dropped.
struct Works(Capture);

impl Drop for Works {
    fn drop(&mut self) {
        work(&self.0, "dropped");
    }
}

#[tokio::test]
async fn future_and_body_are_dropped_inside_the_call() {
    // A future that is dropped while it waits.
    let capture = Capture::new();
    let works = Works(capture.clone());
    let mut service = layer(&capture).layer(service_fn(move |_| {
        let works = Works(works.0.clone());
        async move {
            let _works = works;
            pending::<Answer>().await
        }
    }));
    let mut future = Box::pin(service.call(get()));
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    capture.spans().one("dropped").is_child_of(&client_span(&capture));

    // A body: read to its end, and left.
    for read in [true, false] {
        let capture = Capture::new();
        let works = Works(capture.clone());
        let frames = futures_util::stream::iter([data("a")]).inspect(move |_| {
            let _works = &works;
        });
        let mut response = Some(Response::new(StreamBody::new(frames)));
        let service = layer(&capture).end_at_body(true).layer(service_fn(move |_| {
            ready(Ok::<_, Infallible>(response.take().expect("called once")))
        }));
        let mut body = service.oneshot(get()).await.unwrap().into_body();
        if read {
            while body.frame().await.is_some() {}
        }
        drop(body);
        let spans = capture.spans();
        let (dropped, call) = (spans.one("dropped"), client_span(&capture));
        assert!(dropped.is_child_of(&call).end_time <= call.end_time, "its span was open");
    }
}
