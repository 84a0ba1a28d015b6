//! What servers and clients record as exceptions, in a process of its own: `init` sets where they go.
#![allow(clippy::unwrap_used)] // a test may

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, Response, StatusCode},
    routing::get,
};
use futures_util::stream;
use http_body_util::BodyExt;
use opentelemetry::{
    InstrumentationScope,
    logs::{AnyValue, Severity},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogProcessor, SdkLogRecord},
    trace::{InMemorySpanExporter, Sampler, SimpleSpanProcessor, SpanData},
};
use std::{
    error::Error,
    io,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};
use tower::{Layer, ServiceExt, service_fn};
use tracewire::{
    ClientLayer, ClientMiddleware, ServerLayer,
    server::{ErrorType, ExchangeHandle, RpcMethods},
    setup::{Exceptions, Logs, Telemetry, Traces},
};

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SdkLogRecord>>>);

impl LogProcessor for Kept {
    fn emit(&self, record: &mut SdkLogRecord, _scope: &InstrumentationScope) {
        self.0.lock().unwrap().push(record.clone());
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
}

/// A log record of an exception, with all its attributes.
#[derive(Debug, PartialEq)]
struct Logged {
    event: &'static str,
    severity: Severity,
    attributes: Vec<(String, String)>,
}

impl Logged {
    fn new(event: &'static str, severity: Severity, kind: &str, message: Option<&str>) -> Self {
        let message = message.map(|text| ("exception.message".to_owned(), text.to_owned()));
        let kind = ("exception.type".to_owned(), kind.to_owned());
        Self { event, severity, attributes: message.into_iter().chain([kind]).collect() }
    }

    fn of(record: &SdkLogRecord) -> Self {
        let text = |value: &AnyValue| match value {
            AnyValue::String(text) => text.to_string(),
            other => panic!("{other:?}"),
        };
        let mut attributes: Vec<_> =
            record.attributes_iter().map(|(key, value)| (key.to_string(), text(value))).collect();
        attributes.sort();
        assert!(record.body().is_none() && record.timestamp().is_some());
        Self {
            event: record.event_name().unwrap(),
            severity: record.severity_number().unwrap(),
            attributes,
        }
    }
}

const SERVER: &str = "http.server.request.exception";
const CLIENT: &str = "http.client.request.exception";

fn server(kind: &str, message: Option<&str>) -> Vec<Logged> {
    vec![Logged::new(SERVER, Severity::Error, kind, message)]
}

fn client(kind: &str, message: Option<&str>) -> Vec<Logged> {
    vec![Logged::new(CLIENT, Severity::Warn, kind, message)]
}

/// One way that a request or a call goes wrong, or right.
type Case = (&'static str, Vec<Logged>);

/// Answers of an axum server with the layer.
async fn answered(path: &'static str) {
    let failing = stream::iter([Ok("a"), Err(io::Error::other("the disk is gone"))]);
    let failing = Arc::new(Mutex::new(Some(Body::from_stream(failing))));
    let app = Router::new()
        .route("/fine", get(|| async { "fine" }))
        .route("/500", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/panic", get(|| async { panic!("a card number, perhaps") as StatusCode }))
        .route("/never", get(|| async { std::future::pending::<StatusCode>().await }))
        .route("/healthz", get(|| async { panic!("excluded") as StatusCode }))
        .route(
            "/noted",
            get(|Extension(exchange): Extension<ExchangeHandle>| async move {
                exchange.fail(ErrorType::Named("card_declined"));
            }),
        )
        .route("/body", get(move || async move { failing.lock().unwrap().take().unwrap() }))
        .layer(ServerLayer::new().exclude_paths(["/healthz"]));
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = tokio::spawn(async move {
        let response = app.oneshot(request).await.unwrap();
        let _ = response.into_body().collect().await;
    });
    if path == "/never" {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer.abort();
    }
    let _ = answer.await;
}

/// A Tower service that fails, with the layer.
async fn failed<E: 'static>(error: E, headers: &[(&str, &str)]) {
    let error = Mutex::new(Some(error));
    let service = service_fn(move |_: Request<Body>| {
        let error = error.lock().unwrap().take().unwrap();
        async move { Err::<Response<Body>, E>(error) }
    });
    let layer = ServerLayer::new().grpc(RpcMethods::any());
    let mut request = Request::get("/s.S/M");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = layer.layer(service).oneshot(request.body(Body::empty()).unwrap()).await;
    assert!(answer.is_err());
}

/// A Tower client that fails, with the layer.
async fn unsent<E: 'static>(error: E, headers: &[(&str, &str)]) {
    let error = Mutex::new(Some(error));
    let service = service_fn(move |_: Request<Body>| {
        let error = error.lock().unwrap().take().unwrap();
        async move { Err::<Response<Body>, E>(error) }
    });
    let layer = ClientLayer::new().grpc(RpcMethods::any());
    let mut request = Request::get("http://127.0.0.1:1/s.S/M");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = layer.layer(service).oneshot(request.body(Body::empty()).unwrap()).await;
    assert!(answer.is_err());
}

/// A request of reqwest to a port where nobody listens.
async fn refused() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
        .with(ClientMiddleware::new())
        .build();
    let url = format!("http://ada:SECRET@127.0.0.1:{port}/orders?token=SECRET");
    assert!(client.get(url).send().await.is_err());
}

#[derive(Debug)]
struct Declined;

const GRPC: [(&str, &str); 1] = [("content-type", "application/grpc")];
const RPC_SERVER: &str = "rpc.server.call.exception";
const RPC_CLIENT: &str = "rpc.client.call.exception";

async fn run(case: &str) {
    let boxed = || -> Box<dyn Error + Send + Sync> { "no room".into() };
    match case {
        "an I/O error" => failed(io::Error::other("disk full"), &[]).await,
        "a boxed error" => failed(boxed(), &[]).await,
        "an error of the application" => failed(Declined, &[]).await,
        "an error over gRPC" => failed(io::Error::other("disk full"), &GRPC).await,
        "a call that fails" => unsent(io::Error::from(io::ErrorKind::TimedOut), &[]).await,
        "a call over gRPC that fails" => unsent(boxed(), &GRPC).await,
        "a refused call" => refused().await,
        path => answered(Box::leak(path.to_owned().into_boxed_str())).await,
    }
}

fn cases() -> Vec<Case> {
    let io = "std::io::error::Error";
    vec![
        ("/fine", vec![]),
        ("/500", vec![]),
        ("/never", vec![]),
        ("/healthz", vec![]),
        ("/panic", server("panic", None)),
        ("/noted", server("card_declined", None)),
        ("/body", server("axum_core::error::Error", None)),
        ("an I/O error", server(io, Some("disk full"))),
        ("a boxed error", server("service", Some("no room"))),
        ("an error of the application", server("exceptions::Declined", None)),
        (
            "an error over gRPC",
            vec![Logged::new(RPC_SERVER, Severity::Error, io, Some("disk full"))],
        ),
        ("a call that fails", client(io, Some("timed out"))),
        (
            "a call over gRPC that fails",
            vec![Logged::new(RPC_CLIENT, Severity::Warn, "request", Some("no room"))],
        ),
    ]
}

/// Telemetry for this process, the log records, and the ended spans.
fn telemetry(exceptions: Exceptions, sampler: Sampler) -> (Telemetry, Kept, InMemorySpanExporter) {
    let (kept, exporter) = (Kept::default(), InMemorySpanExporter::default());
    let spans = SimpleSpanProcessor::new(exporter.clone());
    let telemetry = Telemetry::builder()
        .traces(Traces::new().exporters([]).processor(spans).sampler(sampler))
        .metrics([])
        .logs(Logs::new().exporters([]).processor(kept.clone()).exceptions(exceptions))
        .init()
        .unwrap();
    (telemetry, kept, exporter)
}

/// The exception events of spans, with their attributes, as log records have them.
fn events(spans: &[SpanData]) -> Vec<Vec<(String, String)>> {
    let events = spans.iter().flat_map(|span| &span.events.events);
    events
        .map(|event| {
            assert_eq!(event.name, "exception");
            let pairs = event.attributes.iter();
            let mut pairs: Vec<_> =
                pairs.map(|pair| (pair.key.to_string(), pair.value.to_string())).collect();
            pairs.sort();
            pairs
        })
        .collect()
}

#[test]
fn servers_and_clients_record_exceptions_where_they_are_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::panic::set_hook(Box::new(|_| {})); // the panics are meant
    for exceptions in [Exceptions::SpanEvents, Exceptions::LogRecords, Exceptions::Both] {
        let (telemetry, kept, exporter) = telemetry(exceptions, Sampler::AlwaysOn);
        for (case, expected) in cases() {
            runtime.block_on(run(case));
            let records = std::mem::take(&mut *kept.0.lock().unwrap());
            let spans = exporter.get_finished_spans().unwrap();
            exporter.reset();
            let logged: Vec<_> = records.iter().map(Logged::of).collect();
            let attributes = |logged: &[Logged]| -> Vec<_> {
                logged.iter().map(|logged| logged.attributes.clone()).collect()
            };
            let in_logs = exceptions != Exceptions::SpanEvents;
            assert_eq!(logged, if in_logs { expected } else { vec![] }, "{exceptions:?} {case}");
            let on_spans = exceptions == Exceptions::Both;
            let expected = if on_spans { attributes(&logged) } else { vec![] };
            assert_eq!(events(&spans), expected, "{exceptions:?} {case}");
            for record in &records {
                let ids = record.trace_context().unwrap();
                assert_eq!(ids.trace_id, spans[0].span_context.trace_id());
                assert_eq!(ids.span_id, spans[0].span_context.span_id());
            }
        }
        telemetry.shutdown();
    }

    // reqwest's text differs between systems, and has the URL without its secrets.
    let (telemetry, kept, exporter) = telemetry(Exceptions::LogRecords, Sampler::AlwaysOn);
    runtime.block_on(run("a refused call"));
    let record = kept.0.lock().unwrap().remove(0);
    let Logged { event, severity, attributes } = Logged::of(&record);
    assert_eq!((event, severity, attributes.len()), (CLIENT, Severity::Warn, 2));
    let [(_, message), (_, kind)] = &attributes[..] else { panic!("{attributes:?}") };
    assert_eq!(kind, "reqwest::error::Error");
    assert!(message.starts_with("error sending request for url (http://"), "{message}");
    assert!(message.contains("refused") && !message.contains("SECRET"), "{message}");
    drop((telemetry, exporter));

    // Log records do not depend on sampling.
    let (telemetry, kept, exporter) = self::telemetry(Exceptions::Both, Sampler::AlwaysOff);
    runtime.block_on(run("an I/O error"));
    assert!(exporter.get_finished_spans().unwrap().is_empty());
    let records = std::mem::take(&mut *kept.0.lock().unwrap());
    let logged: Vec<_> = records.iter().map(Logged::of).collect();
    assert_eq!(logged, server("std::io::error::Error", Some("disk full")));
    assert!(records[0].trace_context().is_some());
    drop(telemetry);
}
