//! The application under test: one set of endpoints, whatever serves them.

use super::bodies::{self, Body};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use opentelemetry::{Context, baggage::BaggageExt};
use std::{future::pending, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Barrier, Semaphore},
};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use tracewire_http::ExchangeHandle;
use tracewire_span::{Tracer, current};
use tracewire_testing::Capture;

/// How many requests meet at `/meet`.
pub const CROWD: usize = 200;

/// What the test and the handlers share.
pub struct App {
    tracer: Tracer,
    barrier: Barrier,
    /// A permit for each request that has reached `/wait` or `/upload`.
    entered: Semaphore,
    /// A permit for each thing that a handler may do next.
    steps: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug)]
pub enum Endpoint {
    Success,
    Query,
    Redirect,
    Error,
    Panic,
    Item,
    Headers,
    Baggage,
    Echo,
    Upload,
    Meet,
    NoContent,
    NotModified,
    File,
    Wait,
    Guarded,
    GuardedStream,
    Stream,
    Endless,
    Declared,
    Trailers,
    BodyError,
    BodyPanic,
    BodySpans,
    Outlive,
    Upgrade,
}

/// Every route, and what answers it. Segments in braces stand for any text.
pub const ROUTES: [(&str, Endpoint); 26] = [
    ("/success", Endpoint::Success),
    ("/query", Endpoint::Query),
    ("/redirect", Endpoint::Redirect),
    ("/error-status", Endpoint::Error),
    ("/panic", Endpoint::Panic),
    ("/path/{id}/param", Endpoint::Item),
    ("/headers", Endpoint::Headers),
    ("/baggage", Endpoint::Baggage),
    ("/echo", Endpoint::Echo),
    ("/upload", Endpoint::Upload),
    ("/meet", Endpoint::Meet),
    ("/no-content", Endpoint::NoContent),
    ("/not-modified", Endpoint::NotModified),
    ("/file", Endpoint::File),
    ("/wait", Endpoint::Wait),
    ("/guarded", Endpoint::Guarded),
    ("/guarded-stream", Endpoint::GuardedStream),
    ("/stream", Endpoint::Stream),
    ("/endless", Endpoint::Endless),
    ("/declared", Endpoint::Declared),
    ("/trailers", Endpoint::Trailers),
    ("/body-error", Endpoint::BodyError),
    ("/body-panic", Endpoint::BodyPanic),
    ("/body-spans", Endpoint::BodySpans),
    ("/outlive", Endpoint::Outlive),
    ("/upgrade", Endpoint::Upgrade),
];

/// Works in a span of its own when it is dropped.
struct Guard(Tracer);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.span("dropped").in_scope(|| ());
    }
}

impl App {
    pub fn new(capture: &Capture) -> Self {
        Self {
            tracer: Tracer::new("app").provider(capture.tracer_provider()),
            barrier: Barrier::new(CROWD),
            entered: Semaphore::new(0),
            steps: Arc::new(Semaphore::new(0)),
        }
    }

    /// Waits until a request has reached its handler.
    pub async fn entered(&self) {
        self.entered.acquire().await.expect("the semaphore stays open").forget();
    }

    /// Lets a handler go on.
    pub fn step(&self) {
        self.steps.add_permits(1);
    }

    /// Answers, inside a span named `controller` where there is something to do.
    pub fn answer(
        self: Arc<Self>,
        endpoint: Endpoint,
        request: Request<Body>,
    ) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.endpoint(endpoint, request).await })
    }

    async fn endpoint(&self, endpoint: Endpoint, request: Request<Body>) -> Response<Body> {
        let controller = self.tracer.span("controller").ignore_errors();
        match endpoint {
            Endpoint::Success => controller.in_scope(|| text(StatusCode::OK, "success")),
            Endpoint::Query => controller.in_scope(|| text(StatusCode::OK, query(&request))),
            Endpoint::Item => controller.in_scope(|| text(StatusCode::OK, item(&request))),
            Endpoint::Redirect => {
                with_header(StatusCode::FOUND, header::LOCATION.as_str(), "/redirected")
            }
            Endpoint::Error => {
                controller.in_scope(|| text(StatusCode::INTERNAL_SERVER_ERROR, "controller error"))
            }
            Endpoint::Panic => controller.in_scope(|| panic!("on purpose")),
            Endpoint::Headers => with_header(StatusCode::OK, "x-test-response", "test"),
            Endpoint::Baggage => text(StatusCode::OK, baggage()),
            Endpoint::Echo => Response::new(request.into_body()),
            Endpoint::Upload => controller.run(self.upload(request)).await,
            Endpoint::Meet => controller.run(self.meet(request)).await,
            Endpoint::NoContent => status(StatusCode::NO_CONTENT),
            Endpoint::NotModified => with_header(StatusCode::NOT_MODIFIED, "etag", "\"1\""),
            Endpoint::File => serve_file(request).await,
            Endpoint::Wait => {
                self.entered.add_permits(1);
                pending().await
            }
            Endpoint::Guarded => {
                let _guard = Guard(self.tracer.clone());
                self.entered.add_permits(1);
                pending().await
            }
            Endpoint::Outlive => self.outlive(),
            Endpoint::Upgrade => self.upgrade(request),
            _ => self.stream(endpoint),
        }
    }

    /// Answers with a body that takes its time, or breaks.
    fn stream(&self, endpoint: Endpoint) -> Response<Body> {
        match endpoint {
            Endpoint::GuardedStream => {
                let guard = Guard(self.tracer.clone());
                Response::new(bodies::holding(guard, bodies::steps(self.steps.clone(), 3)))
            }
            Endpoint::Stream => Response::new(bodies::steps(self.steps.clone(), 3)),
            Endpoint::Endless => {
                let mut response = Response::new(bodies::endless());
                let kind = http::HeaderValue::from_static("text/event-stream");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Endpoint::Declared => {
                let mut response = Response::new(bodies::steps(self.steps.clone(), 3));
                response.headers_mut().insert(header::CONTENT_LENGTH, 15.into());
                response
            }
            Endpoint::Trailers => {
                let mut response = Response::new(bodies::with_trailers());
                let names = http::HeaderValue::from_static("x-checksum");
                response.headers_mut().insert(header::TRAILER, names);
                response
            }
            Endpoint::BodyError => Response::new(bodies::failing(self.steps.clone())),
            Endpoint::BodyPanic => Response::new(bodies::panicking(self.steps.clone())),
            Endpoint::BodySpans => Response::new(bodies::with_spans(self.tracer.clone())),
            _ => unreachable!("the other endpoints answer at once"),
        }
    }

    /// Reads the whole body, and tells its size.
    async fn upload(&self, request: Request<Body>) -> Response<Body> {
        self.entered.add_permits(1);
        match request.into_body().collect().await {
            Ok(body) => {
                let size = body.to_bytes().len();
                current().set_attribute("test.size", size);
                text(StatusCode::OK, size.to_string())
            }
            Err(_) => text(StatusCode::BAD_REQUEST, "no whole body"),
        }
    }

    /// Waits until the whole crowd is here, so that all are under way at once.
    async fn meet(&self, request: Request<Body>) -> Response<Body> {
        let id = query(&request).to_owned();
        current().set_attribute("test.id.first", id.clone());
        self.barrier.wait().await;
        current().set_attribute("test.id.last", id.clone());
        text(StatusCode::OK, id)
    }

    /// Leaves a task behind that holds the request's context.
    fn outlive(&self) -> Response<Body> {
        let (context, steps) = (Context::current(), self.steps.clone());
        let work = self.tracer.span("background").parent(context).ignore_errors();
        tokio::spawn(async move {
            steps.acquire().await.expect("the semaphore stays open").forget();
            work.in_scope(|| ());
        });
        text(StatusCode::OK, "answered")
    }

    /// Switches to a protocol that echoes.
    fn upgrade(&self, mut request: Request<Body>) -> Response<Body> {
        let upgraded = hyper::upgrade::on(&mut request);
        let handle = request.extensions().get::<ExchangeHandle>().cloned();
        tokio::spawn(async move {
            // Kept for as long as the connection is: see `ServerLayer::follow_upgrades`.
            let _handle = handle;
            let mut stream = hyper_util::rt::TokioIo::new(upgraded.await.unwrap());
            let mut word = [0; 4];
            stream.read_exact(&mut word).await.unwrap();
            stream.write_all(&word).await.unwrap();
        });
        let mut response = with_header(StatusCode::SWITCHING_PROTOCOLS, "upgrade", "echo");
        let upgrade = http::HeaderValue::from_static("upgrade");
        response.headers_mut().insert(header::CONNECTION, upgrade);
        response
    }
}

async fn serve_file(request: Request<Body>) -> Response<Body> {
    let file = ServeFile::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    file.oneshot(request).await.expect("never fails").map(bodies::boxed)
}

fn query(request: &Request<Body>) -> String {
    request.uri().query().unwrap_or_default().to_owned()
}

fn item(request: &Request<Body>) -> String {
    request.uri().path().split('/').nth(2).unwrap_or_default().to_owned()
}

fn baggage() -> String {
    let context = Context::current();
    let mut entries: Vec<_> = context
        .baggage()
        .iter()
        .map(|(key, (value, _))| format!("{key}={}", value.as_str()))
        .collect();
    entries.sort();
    entries.join(",")
}

fn status(status: StatusCode) -> Response<Body> {
    text(status, "")
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(bodies::full(body));
    *response.status_mut() = status;
    response
}

fn with_header(status: StatusCode, name: &'static str, value: &'static str) -> Response<Body> {
    let mut response = text(status, "");
    response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    response
}
