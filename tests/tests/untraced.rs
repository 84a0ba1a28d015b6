//! Below a request that is not traced nothing is, in this service and the next.
#![allow(clippy::unwrap_used)] // a test may

use axum::{Router, extract::State, http::HeaderMap, routing::get};
use opentelemetry::{
    context::FutureExt,
    logs::{LogRecord as _, Logger as _, LoggerProvider as _},
    trace::{Span as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    logs::SdkLoggerProvider,
    trace::{Sampler, SdkTracerProvider},
};
use reqwest_middleware::ClientWithMiddleware;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tracewire::{
    ClientMiddleware, ServerLayer,
    propagation::{Baggage, Composite, TraceContext},
    sampling,
    span::{Tracer, database::Database},
};
use tracewire_testing::Capture;
use tracing::Dispatch;
use tracing_subscriber::{Registry, layer::SubscriberExt as _};

/// Spans of one request that is traced in the first service: the server's own, and those below it.
const SPANS: usize = 9;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A service that does all kinds of work and then calls the next one, both listening.
struct Services {
    /// What the first service records, by a sampler that keeps every span it is asked about.
    first: Capture,
    /// What the next service records, by the SDK's default sampler.
    next: Capture,
    url: String,
    /// The `traceparent` of each call that reached the next service.
    sent: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Worker {
    client: ClientWithMiddleware,
    tracer: Tracer,
    provider: SdkTracerProvider,
    logs: SdkLoggerProvider,
    /// For spans of the `tracing` crate.
    subscriber: Dispatch,
    next: String,
}

fn propagator() -> Composite {
    Composite::new().and(TraceContext::new()).and(Baggage::new())
}

fn layer(capture: &Capture) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator())
}

impl Services {
    async fn start(sampler: Option<Sampler>, configure: fn(ServerLayer) -> ServerLayer) -> Self {
        Self::calling(sampler, configure, |client| client).await
    }

    async fn calling(
        sampler: Option<Sampler>,
        configure: fn(ServerLayer) -> ServerLayer,
        calling: fn(ClientMiddleware) -> ClientMiddleware,
    ) -> Self {
        let first = Capture::with(|spans| match sampler {
            Some(sampler) => spans.with_sampler(sampling::Sampler::wrap(sampler)),
            None => spans,
        });
        let next = Capture::new();
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let seen = sent.clone();
        let answer = async move |headers: HeaderMap| {
            let parent = headers.get("traceparent").map_or("", |value| value.to_str().unwrap());
            seen.lock().unwrap().push(parent.to_owned());
        };
        let served = Router::new().route("/stock", get(answer)).layer(layer(&next));
        let middleware = calling(
            ClientMiddleware::new()
                .tracer_provider(first.tracer_provider())
                .meter_provider(first.meter_provider())
                .propagator(propagator()),
        );
        let worker = Worker {
            client: reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
                .with(middleware)
                .build(),
            tracer: Tracer::new("worker").provider(first.tracer_provider()),
            provider: first.tracer_provider(),
            logs: first.logger_provider(),
            subscriber: Registry::default()
                .with(
                    tracing_opentelemetry::layer()
                        .with_tracer(first.tracer_provider().tracer("tracing")),
                )
                .into(),
            next: serve(served).await,
        };
        let app = Router::new()
            .route("/work", get(work))
            .route("/healthz", get(work))
            .layer(configure(layer(&first)))
            .with_state(worker);
        Self { url: serve(app).await, first, next, sent }
    }

    /// Asks for a path, and gives the `traceparent` that the next service got.
    async fn ask(&self, path: &str, parent: Option<&str>) -> String {
        let mut request = reqwest::Client::new().get(format!("{}{path}", self.url));
        if let Some(parent) = parent {
            request = request.header("traceparent", parent);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success());
        response.bytes().await.unwrap();
        self.sent.lock().unwrap().pop().expect("the next service was asked")
    }

    /// Asks for a path that is traced, so that what came before it has ended, and says how many
    /// spans there are in both services.
    async fn spans_after_traced_work(&self) -> (usize, usize) {
        self.ask("/work", None).await;
        (self.first.ended(SPANS).await.len(), self.next.ended(1).await.len())
    }
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });
    url
}

/// Custom spans, a database call, spans of OpenTelemetry's own and of `tracing`, tasks, a log record, and a
/// call from below them.
async fn work(State(worker): State<Worker>) {
    let database = Database::new("redis").tracer(worker.tracer.clone());
    let own = worker.provider.tracer("own");
    worker.tracer.span("custom").in_scope(|| ());
    database.operation("GET").run(async { Ok::<_, std::io::Error>(()) }).await.unwrap();
    own.start("own").end();
    tracing::dispatcher::with_default(&worker.subscriber, || {
        tracing::info_span!("of tracing").in_scope(|| ());
    });
    let logger = worker.logs.logger("work");
    let mut record = logger.create_log_record();
    record.set_body("at work".into());
    logger.emit(record);
    let task = worker.tracer.span("task").run(async {}).with_current_context();
    tokio::spawn(task).await.unwrap();
    let calling = async {
        own.in_span("in between", |_| ());
        worker.client.get(format!("{}/stock", worker.next)).send().await.unwrap();
    };
    worker.tracer.span("around the call").ignore_errors().run(calling).await;
}

fn excluding(layer: ServerLayer) -> ServerLayer {
    layer.exclude_paths(["/healthz"])
}

fn filtering(layer: ServerLayer) -> ServerLayer {
    layer.filter(|request| request.uri.path() != "/healthz")
}

#[tokio::test]
async fn nothing_below_an_excluded_request_starts_a_trace() {
    for configure in [excluding, filtering] {
        for sampler in [Some(Sampler::AlwaysOn), None] {
            let services = Services::start(sampler, configure).await;
            let sent = services.ask("/healthz", None).await;
            assert!(sent.ends_with("-02"), "not sampled, and random: {sent}");
            let again = services.ask("/healthz", None).await;
            assert_ne!(sent[..36], again[..36], "each is a trace of its own");
            let logs = services.first.logs();
            let traces: Vec<_> = logs.iter().map(|log| log.trace_id.unwrap().to_string()).collect();
            assert_eq!(traces, [&sent[3..35], &again[3..35]], "log records stay, with their trace");
            assert_eq!(services.spans_after_traced_work().await, (SPANS, 1));
        }
    }
}

/// `cargo test -p tests --test untraced -- --ignored`
#[tokio::test]
#[ignore = "ten thousand requests"]
async fn nothing_below_ten_thousand_excluded_requests_is_recorded() {
    let services = Services::start(Some(Sampler::AlwaysOn), excluding).await;
    for _ in 0..10_000 {
        services.ask("/healthz", None).await;
    }
    assert_eq!(services.first.logs().len(), 10_000);
    assert_eq!(services.spans_after_traced_work().await, (SPANS, 1));
}

#[tokio::test]
async fn the_callers_trace_goes_on_unchanged_below_an_excluded_request() {
    for flags in ["03", "01", "00"] {
        let services = Services::start(Some(Sampler::AlwaysOn), excluding).await;
        let parent = format!("00-{TRACE}-{PARENT}-{flags}");
        assert_eq!(services.ask("/healthz", Some(&parent)).await, parent);
        let next = usize::from(flags != "00");
        services.ask("/work", None).await;
        assert_eq!(services.first.ended(SPANS).await.len(), SPANS);
        assert_eq!(services.next.ended(1 + next).await.len(), 1 + next);
    }
}

#[tokio::test]
async fn client_metrics_are_recorded_below_an_excluded_request() {
    let services = Services::start(Some(Sampler::AlwaysOn), excluding).await;
    services.ask("/healthz", None).await;
    let metrics = services.first.metrics();
    assert_eq!(metrics.one("http.client.request.duration").only().count, 1);
    assert!(metrics.iter().all(|metric| metric.name != "http.server.request.duration"));
}

#[tokio::test]
async fn a_layer_inside_does_not_change_the_decision() {
    let capture = Capture::new();
    let inner = Router::new().route("/healthz", get(async || "")).layer(layer(&capture));
    let app = Router::new().merge(inner).layer(excluding(layer(&capture)));
    let url = serve(app).await;
    reqwest::get(format!("{url}/healthz")).await.unwrap().bytes().await.unwrap();
    assert!(capture.spans().is_empty());
    assert!(capture.metrics().is_empty());
}

#[tokio::test]
async fn an_excluded_url_has_no_span_and_sends_the_trace_around_it() {
    let services =
        Services::calling(None, |layer| layer, |client| client.exclude_urls(["/stock"])).await;
    let sent = services.ask("/work", None).await;
    let spans = services.first.ended(SPANS - 1).await;
    assert_eq!(spans.len(), SPANS - 1, "{spans}");
    let around = spans.one("around the call");
    assert_eq!(sent, format!("00-{}-{}-03", around.trace_id, around.span_id));
    services.next.ended(1).await.only().is_child_of(&around);
    let metrics = services.first.metrics();
    assert!(metrics.iter().all(|metric| metric.name != "http.client.request.duration"));
}

#[tokio::test]
async fn an_excluded_url_outside_of_every_trace_starts_none() {
    let services = Services::calling(None, excluding, |client| {
        client.exclude_urls(["127.0.0.1/nowhere", "*/stock"])
    })
    .await;
    let sent = services.ask("/healthz", None).await;
    assert!(sent.ends_with("-02"), "{sent}");
    assert!(services.first.spans().is_empty());
}
