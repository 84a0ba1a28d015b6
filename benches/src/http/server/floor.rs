//! The least a layer can do for this one request: the same attributes, written by hand.
//!
//! It reads `traceparent` alone, attaches no context, and ends with the response's head.

use crate::http::{Records, Variant};
use axum::extract::{ConnectInfo, MatchedPath};
use http::{HeaderMap, Request, Response, header};
use opentelemetry::{
    Context, KeyValue, SpanId, StringValue, TraceFlags, TraceId,
    global::{self, BoxedSpan, BoxedTracer},
    metrics::Histogram,
    trace::{Span, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceState, Tracer},
};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
    time::Instant,
};
use tower_layer::Layer;
use tower_service::Service;

pub(super) const VARIANT: Variant =
    Variant::server("floor", Records::Everything, |router| router.layer(Floor::new()));

#[derive(Clone)]
struct Floor(Arc<Instruments>);

struct Instruments {
    tracer: BoxedTracer,
    duration: Histogram<f64>,
}

impl Floor {
    fn new() -> Self {
        let boundaries =
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        let duration = global::meter("floor")
            .f64_histogram("http.server.request.duration")
            .with_unit("s")
            .with_boundaries(boundaries.to_vec())
            .build();
        Self(Arc::new(Instruments { tracer: global::tracer("floor"), duration }))
    }
}

impl<S> Layer<S> for Floor {
    type Service = FloorService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FloorService { inner, instruments: self.0.clone() }
    }
}

#[derive(Clone)]
struct FloorService<S> {
    inner: S,
    instruments: Arc<Instruments>,
}

impl<S, A, B> Service<Request<A>> for FloorService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let started = Instant::now();
        let parent = match caller(request.headers()) {
            Some(caller) => Context::new().with_remote_span_context(caller),
            None => Context::new(),
        };
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let route = StringValue::from(Arc::<str>::from(route));
        let name = ["GET ", route.as_str()].concat();
        let span = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_attributes(describe(&request, &route));
        let span = self.instruments.tracer.build_with_context(span, &parent);
        FloorFuture {
            inner: self.inner.call(request),
            span,
            started,
            route,
            instruments: self.instruments.clone(),
        }
    }
}

pin_project! {
    struct FloorFuture<F> {
        #[pin]
        inner: F,
        span: BoxedSpan,
        started: Instant,
        route: StringValue,
        instruments: Arc<Instruments>,
    }
}

impl<F, B, E> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let status =
            KeyValue::new("http.response.status_code", i64::from(response.status().as_u16()));
        this.span.set_attribute(status.clone());
        this.span.end();
        let attributes = [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("http.route", this.route.clone()),
            status,
            KeyValue::new("network.protocol.version", "1.1"),
        ];
        this.instruments.duration.record(this.started.elapsed().as_secs_f64(), &attributes);
        Poll::Ready(Ok(response))
    }
}

fn describe<B>(request: &Request<B>, route: &StringValue) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(12);
    attributes.push(KeyValue::new("http.request.method", "GET"));
    attributes.push(KeyValue::new("url.scheme", "http"));
    attributes.push(KeyValue::new("url.path", request.uri().path().to_owned()));
    attributes.push(KeyValue::new("http.route", route.clone()));
    attributes.push(KeyValue::new("network.protocol.version", "1.1"));
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(agent) = text(header::USER_AGENT) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some((host, port)) = text(header::HOST).and_then(|host| host.split_once(':')) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        attributes.push(KeyValue::new("server.port", port.parse().unwrap_or(80_i64)));
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let address = Arc::<str>::from(peer.ip().to_string());
        attributes.push(KeyValue::new("client.address", address.clone()));
        attributes.push(KeyValue::new("network.peer.address", address));
        attributes.push(KeyValue::new("network.peer.port", i64::from(peer.port())));
    }
    attributes
}

/// The caller's span, read by position.
fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let trace_id = TraceId::from_hex(value.get(3..35)?).ok()?;
    let span_id = SpanId::from_hex(value.get(36..52)?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(value.get(53..55)?, 16).ok()?);
    Some(SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE))
}
