//! What exporters do is not exported, whatever the subscriber asks for. Alone in its process, for it
//! sets the process's subscriber.

#![cfg(all(feature = "tracing", feature = "logs", feature = "otlp-grpc"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as trace;
use tracewire_init::{
    Batching, Builder, Metrics, MetricsExporter, Otlp, Protocol, Telemetry, Traces, TracesExporter,
};
#[cfg(feature = "logs")]
use tracewire_init::{Logs, LogsExporter};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Counts what transports say, of any kind.
#[derive(Clone, Default)]
struct Heard(Arc<AtomicUsize>);

fn is_transport(metadata: &tracing::Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next();
    matches!(root, Some("h2" | "hyper" | "hyper_util" | "tonic" | "tower" | "ureq" | "rustls"))
}

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(is_transport(event.metadata()).into(), Relaxed);
    }

    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        self.0.fetch_add(is_transport(attributes.metadata()).into(), Relaxed);
    }
}

/// A collector over gRPC, whose own thread says nothing to the subscriber.
fn grpc_collector() -> String {
    struct Accept;

    macro_rules! accept {
        ($module:ident, $trait:path, $request:ident, $response:ident) => {
            #[tonic::async_trait]
            impl $trait for Accept {
                async fn export(
                    &self,
                    _: tonic::Request<$module::$request>,
                ) -> Result<tonic::Response<$module::$response>, tonic::Status> {
                    Ok(tonic::Response::new(Default::default()))
                }
            }
        };
    }

    use logs::logs_service_server::{LogsService, LogsServiceServer};
    use metrics::metrics_service_server::{MetricsService, MetricsServiceServer};
    use trace::trace_service_server::{TraceService, TraceServiceServer};
    accept!(trace, TraceService, ExportTraceServiceRequest, ExportTraceServiceResponse);
    accept!(metrics, MetricsService, ExportMetricsServiceRequest, ExportMetricsServiceResponse);
    accept!(logs, LogsService, ExportLogsServiceRequest, ExportLogsServiceResponse);

    let (address, bound) = channel();
    thread::spawn(move || {
        let _quiet = tracing::dispatcher::set_default(&tracing::Dispatch::none());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            tonic::transport::Server::builder()
                .add_service(TraceServiceServer::new(Accept))
                .add_service(MetricsServiceServer::new(Accept))
                .add_service(LogsServiceServer::new(Accept))
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener))
                .await
                .unwrap();
        });
    });
    format!("http://{}", bound.recv().unwrap())
}

/// A collector over HTTP, of the standard library alone.
fn http_collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || accept_all(BufReader::new(stream.unwrap())));
        }
    });
    url
}

fn accept_all(mut stream: BufReader<TcpStream>) {
    let mut length = 0;
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
        let text = std::mem::take(&mut line).to_ascii_lowercase();
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if text == "\r\n" {
            stream.read_exact(&mut vec![0; length]).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
        }
    }
}

fn telemetry(protocol: Protocol, endpoint: String) -> Builder {
    Telemetry::builder()
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .logs(Logs::new().exporters([LogsExporter::otlp()]))
        .otlp(Otlp::new().protocol(protocol))
        .otlp(Otlp::new().endpoint(endpoint))
        .log_filter("trace")
        .traces(Traces::new().batching(Batching::new().delay(Duration::ZERO)))
        .logs(Logs::new().batching(Batching::new().delay(Duration::ZERO)))
}

#[test]
fn exporting_is_not_exported_whatever_the_filter() {
    let heard = Heard::default();
    let grpc = telemetry(Protocol::Grpc, grpc_collector()).build().unwrap();
    let http = telemetry(Protocol::HttpProtobuf, http_collector()).build().unwrap();
    tracing_subscriber::registry()
        .with(grpc.span_layer())
        .with(grpc.log_layer())
        .with(heard.clone())
        .init();
    for _ in 0..10 {
        for telemetry in [&grpc, &http] {
            let tracer = telemetry.tracer_provider().unwrap().tracer("test");
            tracer.start("work");
            telemetry.flush();
        }
    }
    for telemetry in [grpc, http] {
        let report = telemetry.shutdown();
        let spans = &report.signals()[0];
        assert_eq!((spans.exported(), spans.lost()), (10, 0), "{report}");
        let logs = &report.signals()[2];
        assert_eq!((logs.exported(), logs.lost()), (0, 0), "{report}");
    }
    assert_eq!(heard.0.load(Relaxed), 0);
}
