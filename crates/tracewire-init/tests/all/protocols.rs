//! OTLP as JSON and over gRPC.

#[cfg(feature = "otlp-json")]
use crate::collector::{Answer, Collector};
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use tracewire_init::{
    Batching, Builder, Metrics, MetricsExporter, Otlp, Protocol, Telemetry, Traces, TracesExporter,
};
#[cfg(feature = "logs")]
use tracewire_init::{Logs, LogsExporter};

fn builder(endpoint: String, protocol: Protocol) -> Builder {
    let builder = Telemetry::builder()
        .service_name("shop")
        .traces(Traces::new().exporters([TracesExporter::otlp()]))
        .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
        .otlp(Otlp::new().protocol(protocol))
        .otlp(Otlp::new().endpoint(endpoint));
    #[cfg(feature = "logs")]
    let builder = builder.logs(Logs::new().exporters([LogsExporter::otlp()]));
    builder
}

/// A span and a data point, and a log record if there are any.
fn record(telemetry: &Telemetry) {
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let attributes = [KeyValue::new("item", 13)];
    tracer.span_builder("order").with_attributes(attributes.clone()).start(&tracer);
    let meter = telemetry.meter_provider().unwrap().meter("test");
    meter.u64_counter("orders").build().add(7, &attributes);
    #[cfg(feature = "logs")]
    {
        use tracing_subscriber::prelude::*;
        let subscriber = tracing_subscriber::registry().with(telemetry.log_layer());
        tracing::subscriber::with_default(subscriber, || tracing::info!(item = 13, "sold"));
    }
}

const EXPORTED: &str = if cfg!(feature = "logs") {
    "spans to otlp: 1 exported; data points to otlp: 1 exported; log records to otlp: 1 exported"
} else {
    "spans to otlp: 1 exported; data points to otlp: 1 exported"
};

#[cfg(feature = "otlp-json")]
#[test]
fn json_has_the_protocols_form() {
    use serde_json::{Value, json};

    let collector = Collector::start([Answer::Accept]);
    let telemetry = builder(collector.url(), Protocol::HttpJson).build().unwrap();
    record(&telemetry);
    assert_eq!(telemetry.shutdown().to_string(), EXPORTED);
    let received = collector.received();
    let body = |path: &str| -> Value {
        let request = received.iter().find(|request| request.path == path).unwrap();
        assert_eq!(request.header("content-type"), Some("application/json"));
        serde_json::from_slice(&request.body).unwrap()
    };
    let item = json!([{"key": "item", "value": {"intValue": "13"}}]);
    let span = &body("/v1/traces")["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["name"], "order");
    assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
    assert!(span["startTimeUnixNano"].is_string(), "{span}");
    let keys = |pairs: &Value| (pairs[0]["key"].clone(), pairs[0]["value"].clone());
    assert_eq!(keys(&span["attributes"]), keys(&item));
    let metric = &body("/v1/metrics")["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    assert_eq!(metric["name"], "orders");
    #[cfg(feature = "logs")]
    {
        let log = &body("/v1/logs")["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(log["body"]["stringValue"], "sold");
    }
}

#[cfg(feature = "otlp-grpc")]
mod grpc {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::{Duration, Instant};

    use crate::collector::refusing;
    use opentelemetry_proto::tonic::collector::logs::v1 as logs;
    use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
    use opentelemetry_proto::tonic::collector::trace::v1 as trace;
    use tonic::{Request, Response, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    /// Tells of each request: its kind and the header `x-key`. Refuses as many as it is told to.
    #[derive(Clone)]
    struct Service {
        tell: Sender<(&'static str, Option<String>)>,
        refuse: std::sync::Arc<std::sync::atomic::AtomicU32>,
    }

    impl Service {
        fn answer<Q, R: Default>(
            &self,
            kind: &'static str,
            request: &Request<Q>,
        ) -> Result<Response<R>, Status> {
            use std::sync::atomic::Ordering::Relaxed;
            let key = request.metadata().get("x-key").map(|key| key.to_str().unwrap().to_owned());
            self.tell.send((kind, key)).unwrap();
            let refuse = self.refuse.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            if refuse.is_ok() {
                let no_pause = ErrorDetails::with_retry_info(Some(Duration::ZERO));
                let code = tonic::Code::Unavailable;
                return Err(Status::with_error_details(code, "secret", no_pause));
            }
            Ok(Response::new(R::default()))
        }
    }

    macro_rules! serve {
        ($module:ident, $trait:path, $request:ident, $response:ident) => {
            #[tonic::async_trait]
            impl $trait for Service {
                async fn export(
                    &self,
                    request: Request<$module::$request>,
                ) -> Result<Response<$module::$response>, Status> {
                    self.answer(stringify!($module), &request)
                }
            }
        };
    }

    serve!(
        trace,
        trace::trace_service_server::TraceService,
        ExportTraceServiceRequest,
        ExportTraceServiceResponse
    );
    serve!(
        metrics,
        metrics::metrics_service_server::MetricsService,
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse
    );
    serve!(
        logs,
        logs::logs_service_server::LogsService,
        ExportLogsServiceRequest,
        ExportLogsServiceResponse
    );

    type News = Receiver<(&'static str, Option<String>)>;

    /// The URL of a collector that refuses so many requests, and what it receives.
    fn collector(refuse: u32) -> (String, News) {
        let (tell, news) = channel();
        let service = Service { tell, refuse: std::sync::Arc::new(refuse.into()) };
        let (address, bound) = channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                address.send(listener.local_addr().unwrap()).unwrap();
                let gzip = tonic::codec::CompressionEncoding::Gzip;
                tonic::transport::Server::builder()
                    .add_service(
                        trace::trace_service_server::TraceServiceServer::new(service.clone())
                            .accept_compressed(gzip),
                    )
                    .add_service(metrics::metrics_service_server::MetricsServiceServer::new(
                        service.clone(),
                    ))
                    .add_service(logs::logs_service_server::LogsServiceServer::new(service))
                    .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener))
                    .await
                    .unwrap();
            });
        });
        (format!("http://{}", bound.recv().unwrap()), news)
    }

    #[test]
    fn all_signals_arrive_with_their_headers() {
        let (url, news) = collector(0);
        let telemetry =
            builder(url, Protocol::Grpc).otlp(Otlp::new().header("x-key", "7")).build().unwrap();
        record(&telemetry);
        assert_eq!(telemetry.shutdown().to_string(), EXPORTED);
        let mut received: Vec<_> = news.try_iter().collect();
        received.sort();
        let mut expected = vec!["metrics", "trace"];
        if cfg!(feature = "logs") {
            expected.insert(0, "logs");
        }
        assert_eq!(
            received,
            expected.into_iter().map(|kind| (kind, Some("7".to_owned()))).collect::<Vec<_>>()
        );
    }

    fn spans_only(url: String) -> Builder {
        let builder = builder(url, Protocol::Grpc).metrics(Metrics::new().exporters([]));
        #[cfg(feature = "logs")]
        let builder = builder.logs(Logs::new().exporters([]));
        builder
    }

    fn end(telemetry: Telemetry) -> String {
        telemetry.tracer_provider().unwrap().tracer("test").start("span");
        telemetry.shutdown().to_string()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_current_thread_runtime_will_do_with_gzip() {
        let (url, news) = collector(0);
        let gzip = tracewire_init::Compression::Gzip;
        let telemetry = spans_only(url).otlp(Otlp::new().compression(gzip)).build().unwrap();
        assert_eq!(end(telemetry), "spans to otlp: 1 exported");
        assert_eq!(news.try_iter().count(), 1);
    }

    /// As servers written in Go compress their answers, whether or not they were told to.
    #[test]
    fn an_answer_compressed_as_the_request_was_is_read() {
        let collector = tracewire_testing::Collector::start();
        let gzip = tracewire_init::Compression::Gzip;
        let telemetry =
            spans_only(collector.endpoint()).otlp(Otlp::new().compression(gzip)).build().unwrap();
        assert_eq!(end(telemetry), "spans to otlp: 1 exported");
        assert_eq!(collector.spans().only().name, "span");
    }

    #[tokio::test]
    async fn a_multi_thread_runtime_will_do() {
        let (url, _news) = collector(0);
        assert_eq!(end(spans_only(url).build().unwrap()), "spans to otlp: 1 exported");
    }

    #[tokio::test]
    async fn an_error_of_init_on_a_runtime_drops_no_runtime_there() {
        let builder =
            spans_only(refusing()).metrics(Metrics::new().exporters([MetricsExporter::otlp()]));
        let error = builder.otlp(Otlp::new().header("bad name", "x")).build().unwrap_err();
        assert!(error.is_configuration());
    }

    #[test]
    fn an_unavailable_collector_is_tried_again() {
        let (url, news) = collector(2);
        assert_eq!(end(spans_only(url).build().unwrap()), "spans to otlp: 1 exported");
        assert_eq!(news.try_iter().count(), 3);
    }

    #[test]
    fn a_collector_that_asks_for_no_pause_is_not_flooded() {
        let (url, news) = collector(u32::MAX);
        // Our own pauses are of at least 160, 320 and 640 milliseconds.
        let limit = Duration::from_secs(1);
        let telemetry = builder(url, Protocol::Grpc)
            .traces(Traces::new().batching(Batching::new().timeout(limit)))
            .otlp(Otlp::new().timeout(limit))
            .build()
            .unwrap();
        record(&telemetry);
        telemetry.flush();
        let mut posts = std::collections::BTreeMap::new();
        news.try_iter().for_each(|(kind, _)| *posts.entry(kind).or_insert(0) += 1);
        assert_eq!(posts.len(), if cfg!(feature = "logs") { 3 } else { 2 });
        assert!(posts.values().all(|posts| (2..=3).contains(posts)), "{posts:?}");
    }

    /// As most servers do: more than four megabytes are refused.
    #[test]
    fn a_collector_with_the_usual_limit_takes_every_batch() {
        use opentelemetry::trace::{Span as _, Status};
        let (url, news) = collector(0);
        let telemetry = spans_only(url).build().unwrap();
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        for _ in 0..100 {
            tracer.start("x".repeat(30_000)).set_status(Status::error("x".repeat(30_000)));
        }
        assert_eq!(telemetry.shutdown().to_string(), "spans to otlp: 100 exported");
        assert!(news.try_iter().count() >= 6);
    }

    #[test]
    fn a_collector_with_the_usual_limit_takes_many_series() {
        let (url, news) = collector(0);
        let builder = builder(url, Protocol::Grpc).traces(Traces::new().exporters([]));
        let telemetry = builder.build().unwrap();
        let meter = telemetry.meter_provider().unwrap().meter("test");
        let route = "x".repeat(1_000);
        for name in ["orders", "items", "users"] {
            let counter = meter.u64_counter(name).build();
            for number in 0..1_900 {
                counter.add(1, &[KeyValue::new("route", format!("{number}{route}"))]);
            }
        }
        assert_eq!(
            telemetry.shutdown().signals()[0].to_string(),
            "data points to otlp: 5700 exported"
        );
        assert!(news.try_iter().count() >= 6);
    }

    #[test]
    fn what_the_collector_says_is_not_shown() {
        let (url, _news) = collector(u32::MAX);
        let report = end(spans_only(url.clone()).build().unwrap());
        assert!(report.contains(&format!("gRPC Unavailable from {url}")), "{report}");
        assert!(!report.contains("secret"), "{report}");
    }

    #[test]
    fn a_refusing_collector_is_told_of() {
        let begun = Instant::now();
        let report = end(spans_only(refusing()).build().unwrap());
        assert!(report.contains("1 failed") && report.contains("refused"), "{report}");
        assert!(begun.elapsed() < Duration::from_secs(8));
    }

    #[test]
    fn a_hanging_collector_costs_no_more_than_the_deadline() {
        let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", hanging.local_addr().unwrap());
        let builder = spans_only(url).shutdown_timeout(Duration::from_millis(300));
        let begun = Instant::now();
        let report = end(builder.build().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(8));
        assert!(report.contains("1 failed") || report.contains("1 unknown"), "{report}");
    }

    /// A relay that ends TLS and passes what is inside on to `url`.
    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    fn behind_tls(url: &str, server: &crate::tls::Identity) -> String {
        let plain = url.trim_start_matches("http://").to_owned();
        let mut config = crate::tls::server_config(server);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let (address, bound) = channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                address.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (acceptor, plain) = (acceptor.clone(), plain.clone());
                    tokio::spawn(async move {
                        let Ok(mut outside) = acceptor.accept(stream).await else { return };
                        let mut inside = tokio::net::TcpStream::connect(plain).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    });
                }
            });
        });
        format!("https://{}", bound.recv().unwrap())
    }

    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    #[test]
    fn tls_is_spoken_and_unknown_authorities_are_refused() {
        let (plain, news) = collector(0);
        let server = crate::tls::identity("127.0.0.1");
        let url = behind_tls(&plain, &server);
        let report = end(spans_only(url.clone()).build().unwrap());
        assert!(report.contains("1 failed") && report.contains("certificate"), "{report}");
        let files = crate::tls::Files::write("grpc", &server);
        let builder =
            spans_only(url).otlp(Otlp::new().certificate_authorities(files.certificate()));
        assert_eq!(end(builder.build().unwrap()), "spans to otlp: 1 exported");
        assert_eq!(news.try_iter().count(), 1);
    }
}
