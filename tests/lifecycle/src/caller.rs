//! The callers, which read what comes and leave where nothing more does.

use crate::{
    middleware,
    plan::{METHOD, Parent, Protocol, Request as Plan, Scenario, Wiring},
    service::{ATTEMPT, DEADLINE, DEADLINE_MILLIS},
    wire::{Body, FAILS, Wire, boxed},
};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Extensions, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use opentelemetry::{
    Context,
    trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};
use tower::{Layer, Service, service_fn, util::BoxCloneSyncService};
use tracewire_http::{HeaderSelector, Resends, RpcMethods};
use tracewire_propagation::TraceContext;
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

/// How long a caller waits while nothing happens.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is sent with `POST`: over gRPC, a message.
pub(crate) const UPLOAD: &[u8] = b"\0\0\0\0\x05bytes";

/// The span of the caller that a request is sent below.
pub(crate) const CALLER: u64 = 0xca11;

type Client = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, hyper::Error>;

pub(crate) struct Caller {
    scenario: Arc<Scenario>,
    wire: Wire,
    layer: ClientLayer,
    middleware: ClientMiddleware,
}

/// The trace of a request's caller.
pub(crate) fn trace_of(request: usize) -> TraceId {
    TraceId::from(0x7ace_0000 + request as u128)
}

impl Caller {
    pub(crate) fn new(scenario: &Arc<Scenario>, wire: Wire, capture: &Capture) -> Self {
        let layer = ClientLayer::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(TraceContext::new())
            .capture_request_headers(HeaderSelector::new([ATTEMPT]))
            .active_requests(true)
            .body_sizes(scenario.sizes)
            .grpc(RpcMethods::new([METHOD]))
            .end_at_body(scenario.end_at_body);
        let middleware = ClientMiddleware::new()
            .tracer_provider(capture.tracer_provider())
            .meter_provider(capture.meter_provider())
            .propagator(TraceContext::new())
            .capture_request_headers(HeaderSelector::new([ATTEMPT]))
            .active_requests(true)
            .body_sizes(scenario.sizes)
            .grpc(RpcMethods::new([METHOD]))
            .end_at_body(scenario.end_at_body);
        Self { scenario: scenario.clone(), wire, layer, middleware }
    }

    /// Sends every attempt of a request.
    pub(crate) async fn request(&self, number: usize) {
        let plan = &self.scenario.requests[number];
        let attempts = plan.attempts.len();
        let mut extensions = Extensions::new();
        extensions.insert(Resends::new());
        let build = |attempt| self.build(number, attempt, &extensions);
        let (parent, reads) = (plan.context(number), !plan.leaves_unread);
        let sender = self.sender();
        match self.scenario.wiring {
            Wiring::Untraced => {
                for attempt in 0..attempts {
                    let mut request = build(attempt);
                    if let Some(header) = plan.traceparent(number) {
                        request.headers_mut().insert("traceparent", header.parse().unwrap());
                    }
                    finish(call(&sender, request, &Context::new()), 1, reads).await;
                }
            }
            Wiring::Traced => {
                let client = client(self.layer.layer(sender));
                for attempt in 0..attempts {
                    finish(call(&client, build(attempt), &parent), 1, reads).await;
                }
            }
            Wiring::Clones => {
                let client = client(self.layer.layer(sender));
                let calls = (0..attempts).map(|attempt| call(&client, build(attempt), &parent));
                let calls: Vec<_> = calls.map(|call| finish(call, 1, reads)).collect();
                join_all(calls).await;
            }
            Wiring::Nested => {
                let inner = client(self.layer.layer(sender));
                let client = client(self.layer.layer(again(inner, number, attempts)));
                let called = call(&client, build(0), &parent);
                finish(called, attempts as u32 + 1, reads).await;
            }
            wiring => {
                let client = middleware::client(wiring, &self.middleware, &self.wire, attempts);
                let sends = if wiring == Wiring::Middleware { attempts } else { 1 };
                let patience = if sends == 1 { attempts as u32 + 1 } else { 1 };
                for attempt in 0..sends {
                    let sent =
                        middleware::send(&client, build(attempt)).with_context(parent.clone());
                    finish(sent, patience, reads).await;
                }
            }
        }
    }

    fn sender(&self) -> Client {
        let wire = self.wire.clone();
        client(service_fn(move |request| wire.clone().send(request)))
    }

    fn build(
        &self,
        number: usize,
        attempt: usize,
        extensions: &Extensions,
    ) -> Request<Full<Bytes>> {
        let plan = &self.scenario.requests[number];
        let is_first = self.scenario.protocol == Protocol::Http1;
        let path = plan.path();
        let (method, uri) = match (plan.is_upgrade(), is_first) {
            (true, false) => ("CONNECT", "shop.test:80".to_owned()),
            (_, false) => (plan.method.name(), format!("http://shop.test{path}")),
            (_, true) => (plan.method.name(), path.to_owned()),
        };
        let mut request = Request::builder().method(method).uri(uri);
        if is_first {
            request = request.header("host", "shop.test");
            if plan.is_upgrade() {
                request = request.header("connection", "upgrade").header("upgrade", "lifecycle");
            }
        }
        if plan.upload_fails {
            request = request.header(FAILS, "1");
        }
        if plan.is_grpc {
            request = request.header("content-type", "application/grpc").header("te", "trailers");
        }
        if plan.has_deadline {
            request = request.header(DEADLINE, format!("{DEADLINE_MILLIS}m"));
        }
        let body = if method == "POST" { Bytes::from_static(UPLOAD) } else { Bytes::new() };
        let mut request =
            request.header(ATTEMPT, format!("{number}.{attempt}")).body(Full::new(body)).unwrap();
        *request.extensions_mut() = extensions.clone();
        request
    }
}

impl Plan {
    /// The context that a traced client calls in.
    fn context(&self, number: usize) -> Context {
        let flags = match self.parent {
            Parent::None => return Context::new(),
            Parent::Sampled => TraceFlags::SAMPLED,
            Parent::Unsampled => TraceFlags::NOT_SAMPLED,
        };
        let (trace, span) = (trace_of(number), SpanId::from(CALLER));
        let caller = SpanContext::new(trace, span, flags, true, TraceState::NONE);
        Context::new().with_remote_span_context(caller)
    }

    /// The header that a client sends which is not traced.
    fn traceparent(&self, number: usize) -> Option<String> {
        let flags = match self.parent {
            Parent::None => return None,
            Parent::Sampled => "01",
            Parent::Unsampled => "00",
        };
        Some(format!("00-{}-{CALLER:016x}-{flags}", trace_of(number)))
    }
}

fn client<S, B>(service: S) -> Client
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = hyper::Error>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Into<tower::BoxError>> + Send + 'static,
{
    let boxes = |response: Response<B>| response.map(boxed);
    BoxCloneSyncService::new(tower::ServiceExt::map_response(service, boxes))
}

/// Starts a call in `parent`.
fn call(
    client: &Client,
    request: Request<Full<Bytes>>,
    parent: &Context,
) -> impl Future<Output = Result<Response<Body>, hyper::Error>> + use<> {
    let _attached = parent.clone().attach();
    client.clone().call(request)
}

/// Sends clones of a request one after another, and gives the last one's response.
fn again(
    client: Client,
    number: usize,
    attempts: usize,
) -> impl Service<Request<Full<Bytes>>, Response = Response<Body>, Error = hyper::Error, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(move |first: Request<Full<Bytes>>| {
        let mut client = client.clone();
        async move {
            for attempt in 0.. {
                let mut request = first.clone();
                let name = format!("{number}.{attempt}");
                request.headers_mut().insert(ATTEMPT, name.parse().unwrap());
                let call = client.call(request);
                if attempt + 1 == attempts {
                    return call.await;
                }
                finish(call, 1, true).await;
            }
            unreachable!("there is an attempt")
        }
    })
}

/// Reads a response to its end, unless nothing comes for so long: then the caller leaves. One who does
/// not read leaves when all that comes has come.
pub(crate) async fn finish<B: http_body::Body + Unpin, E>(
    call: impl Future<Output = Result<Response<B>, E>>,
    patience: u32,
    reads: bool,
) {
    let Ok(Ok(mut response)) = timeout(PATIENCE * patience, call).await else { return };
    if !reads {
        return sleep(PATIENCE).await;
    }
    if let Ok(Ok(upgraded)) = timeout(PATIENCE, hyper::upgrade::on(&mut response)).await {
        let _ = timeout(PATIENCE, TokioIo::new(upgraded).read_to_end(&mut Vec::new())).await;
    }
    while let Ok(Some(Ok(_))) = timeout(PATIENCE, response.body_mut().frame()).await {}
}
