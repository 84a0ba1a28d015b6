//! The service that does what a plan says, below a server layer and others.

use crate::{
    body::{Panics, Planned},
    plan::{
        Around, Content, Destructor, Failure, Length, METHOD, Protocol, Response as Plan, Scenario,
        Then, Work,
    },
    wire::{Body, boxed},
};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::{
    future::pending,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, task::yield_now, time::timeout};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use tracewire_http::{ExchangeHandle, HeaderSelector, RpcMethods};
use tracewire_propagation::TraceContext;
use tracewire_testing::Capture;
use tracewire_tower::ServerLayer;

/// Names the attempt in a request's headers, as `request.attempt`.
pub(crate) const ATTEMPT: &str = "x-attempt";

/// Names the attempt in the query of a URL that a redirect led to.
pub(crate) const HOP: &str = "hop=";

/// The header with the deadline of a call over gRPC.
pub(crate) const DEADLINE: &str = "grpc-timeout";

/// How long a deadline is: more than until a connection is lost, and less than the timeout below.
pub(crate) const DEADLINE_MILLIS: u64 = 300;

/// How long the timeout beside the server layer waits: less than a caller.
const TIMEOUT: Duration = Duration::from_millis(500);

/// A request that reached the service.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) attempt: String,
    pub(crate) traceparent: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Planner {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) arrivals: Arc<Mutex<Vec<Arrival>>>,
}

pub(crate) type Plain = BoxCloneSyncService<Request<Incoming>, Response<Body>, io::Error>;

impl Planner {
    /// The whole of what serves a connection.
    pub(crate) fn stack(&self, capture: &Capture) -> Plain {
        let layer = server_layer(&self.scenario, capture);
        let planner = self.clone();
        let app = plain(service_fn(move |request| planner.call(request)));
        let app = if self.scenario.nested { plain(layer.layer(app)) } else { app };
        let in_time = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT);
        let app = match self.scenario.around {
            Around::Nothing => plain(layer.layer(app)),
            Around::CatchPanicOutside => plain(CatchPanicLayer::new().layer(layer.layer(app))),
            Around::CatchPanicInside => plain(layer.layer(CatchPanicLayer::new().layer(app))),
            Around::TimeoutOutside => plain(in_time.layer(layer.layer(app))),
            Around::TimeoutInside => plain(layer.layer(in_time.layer(app))),
        };
        let bare = self.scenario.protocol == Protocol::Http2;
        plain(service_fn(move |request: Request<Incoming>| {
            let (app, is_head) = (app.clone(), request.method() == http::Method::HEAD);
            async move {
                let response = app.oneshot(request).await?;
                // hyper leaves these out on HTTP/1.1 alone.
                let status = response.status();
                let bodyless =
                    is_head || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
                let empty = || boxed(Empty::new().map_err(|never| match never {}));
                Ok::<_, io::Error>(if bare && bodyless {
                    response.map(|_| empty())
                } else {
                    response
                })
            }
        }))
    }

    fn call(
        &self,
        request: Request<Incoming>,
    ) -> BoxFuture<'static, Result<Response<Body>, io::Error>> {
        let header =
            |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let attempt = header(ATTEMPT).unwrap();
        let arrival = Arrival { traceparent: header("traceparent"), attempt: attempt.clone() };
        self.arrivals.lock().unwrap().push(arrival);
        let (number, attempt) = attempt.split_once('.').unwrap();
        let plan = &self.scenario.requests[number.parse::<usize>().unwrap()];
        let attempt: usize = attempt.parse().unwrap();
        let work = plan.attempts[attempt].clone();
        if matches!(work.then, Then::PanicInCall) {
            panic!("on purpose");
        }
        let panics = Panics(work.panics == Some(Destructor::Service));
        Box::pin(Dropped { work: Box::pin(work.serve(request, attempt)), _panics: panics })
    }
}

/// The future of the service, which may panic when it is dropped, even if it is done.
struct Dropped {
    work: BoxFuture<'static, Result<Response<Body>, io::Error>>,
    _panics: Panics,
}

impl Future for Dropped {
    type Output = Result<Response<Body>, io::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.work.as_mut().poll(cx)
    }
}

impl Work {
    fn say(&self, request: &Request<Incoming>) -> Option<ExchangeHandle> {
        let handle = request.extensions().get::<ExchangeHandle>().cloned();
        self.says.iter().for_each(|said| said.about(handle.as_ref()));
        handle
    }

    /// Answers in time, if the caller says how long it waits.
    async fn serve(
        self,
        request: Request<Incoming>,
        attempt: usize,
    ) -> Result<Response<Body>, io::Error> {
        let has_deadline = request.headers().contains_key(DEADLINE);
        let work = self.run(request, attempt);
        if !has_deadline {
            return work.await;
        }
        let answered = timeout(Duration::from_millis(DEADLINE_MILLIS), work).await;
        answered.unwrap_or_else(|_| Ok(Plan::DEADLINE_EXCEEDED.response(None, attempt, false)))
    }

    async fn run(
        self,
        mut request: Request<Incoming>,
        attempt: usize,
    ) -> Result<Response<Body>, io::Error> {
        let handle = self.say(&request);
        if self.reads {
            let _ = request.body_mut().collect().await;
        }
        for _ in 0..self.pauses {
            yield_now().await;
        }
        match &self.then {
            Then::Respond(plan) => {
                let panics = self.panics == Some(Destructor::Body);
                Ok(plan.response(handle, attempt, panics))
            }
            Then::Fail(failure) => Err(failure.error()),
            Then::PanicInCall | Then::Panic => panic!("on purpose"),
            Then::Hang => pending().await,
            Then::Upgrade(turns) => Ok(upgrade(request, handle, *turns)),
        }
    }
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Self::Service => io::Error::other("on purpose"),
            Self::Timeout => io::ErrorKind::TimedOut.into(),
        }
    }
}

impl Plan {
    fn response(
        &self,
        handle: Option<ExchangeHandle>,
        attempt: usize,
        panics: bool,
    ) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        response = match self.content {
            Content::Plain => response,
            Content::Events => response.header("content-type", "text/event-stream"),
            Content::Messages(_) => response.header("content-type", "application/grpc"),
        };
        if let Some(status) = self.status_in_head() {
            response = response.header("grpc-status", status.code());
        }
        if self.redirects {
            response = response.header("location", format!("?{HOP}{}", attempt + 1));
        }
        if let Some(declared) = self.declared().filter(|_| self.length != Length::Hinted) {
            response = response.header("content-length", declared);
        }
        response.body(boxed(Planned::new(self, handle, panics))).unwrap()
    }
}

/// Answers `request`, and keeps its handle and its connection for so many turns.
fn upgrade(
    mut request: Request<Incoming>,
    handle: Option<ExchangeHandle>,
    turns: u8,
) -> Response<Body> {
    let is_connect = request.method() == http::Method::CONNECT;
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgraded.await {
            for _ in 0..turns {
                yield_now().await;
            }
            let _ = TokioIo::new(upgraded).shutdown().await;
        }
        drop(handle);
    });
    let response = if is_connect {
        Response::builder()
    } else {
        let switching = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        switching.header("connection", "upgrade").header("upgrade", "lifecycle")
    };
    response.body(boxed(Empty::new().map_err(|never| match never {}))).unwrap()
}

fn server_layer(scenario: &Scenario, capture: &Capture) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(TraceContext::new())
        .capture_request_headers(HeaderSelector::new([ATTEMPT]))
        .active_requests(true)
        .body_sizes(scenario.sizes)
        .grpc(RpcMethods::new([METHOD]))
        .follow_upgrades(scenario.follow_upgrades)
        .exclude_paths(["/excluded"])
        .route(|head| (head.uri.path() == "/matched").then(|| "/matched".into()))
}

fn plain<S, B>(service: S) -> Plain
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let service = service.map_response(|response| response.map(boxed));
    BoxCloneSyncService::new(service.map_err(|error: S::Error| {
        let error: BoxError = error.into();
        error.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error)
    }))
}
