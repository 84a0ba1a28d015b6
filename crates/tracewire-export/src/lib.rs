//! Exporters for OpenTelemetry's SDK that count what becomes of every span, log record and data point.
//!
//! - OTLP over HTTP (protobuf and JSON) and gRPC, with retries, proxies and TLS, or through an HTTP
//!   client of your own
//! - Zipkin, and the console: a tree for each trace, or JSON lines
//! - Prometheus: a page to mount in your server, or a server of its own
//! - Batches in a queue that is bounded in bytes, and that grow and run at once when a collector is slow
//! - A report at the end: how much was exported, failed and dropped, and why
//!
//! Use it with the SDK's own providers. Exporters work on threads of their own, on every runtime and
//! without one.
//!
//! ```no_run
//! use opentelemetry_sdk::Resource;
//! use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracewire_export::{
//!     Batch, BatchSpanProcessor, ConsoleExporter, Exports, MetricExporter, OtlpExporter,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let exports = Exports::new();
//!     let resource = Resource::builder().with_service_name("shop").build();
//!
//!     let processor = BatchSpanProcessor::new(&exports)
//!         .otlp(OtlpExporter::new("http://localhost:4318/v1/traces"), Batch::spans())?
//!         .console(&ConsoleExporter::stdout());
//!     let traces = SdkTracerProvider::builder()
//!         .with_resource(resource.clone())
//!         .with_span_processor(processor)
//!         .build();
//!
//!     let otlp = OtlpExporter::new("http://localhost:4318/v1/metrics");
//!     let reader = PeriodicReader::builder(MetricExporter::otlp(&exports, otlp)?).build();
//!     let metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
//!
//!     opentelemetry::global::set_tracer_provider(traces.clone());
//!     opentelemetry::global::set_meter_provider(metrics.clone());
//!     // ... the program ...
//!
//!     let _ = (traces.shutdown(), metrics.shutdown());
//!     println!("{}", exports.report()); // spans to otlp: 120 exported, 8 failed (HTTP 503 from …)
//!     Ok(())
//! }
//! ```
//!
//! # Settings
//!
//! Settings are structs with public fields and documented defaults: [`OtlpExporter`], [`Batch`],
//! `ZipkinExporter`, [`Tls`], `LogLimits`. No environment variable is read, with one exception that is
//! not ours: the platform's certificate authorities may be where `SSL_CERT_FILE` says. For set-up from
//! `OTEL_*` variables there is `tracewire-init`, which builds on this crate.
//!
//! # An HTTP client of your own
//!
//! OTLP over HTTP and Zipkin are sent by whatever implements `opentelemetry_http::HttpClient`, so requests
//! can be signed, or go over a Unix socket:
//!
//! ```
//! use std::sync::Arc;
//! use tracewire_export::OtlpExporter;
//! use tracewire_export::opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
//!
//! #[derive(Debug)]
//! struct Signing<C>(C);
//!
//! #[async_trait::async_trait]
//! impl<C: HttpClient> HttpClient for Signing<C> {
//!     async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
//!         let signature = format!("{:x}", request.body().len()).parse()?; // as your cloud wants it
//!         request.headers_mut().insert("x-signature", signature);
//!         self.0.send_bytes(request).await
//!     }
//! }
//!
//! # fn with(client: impl HttpClient + 'static) {
//! let mut otlp = OtlpExporter::new("https://otlp.example/v1/traces");
//! otlp.client = Some(Arc::new(Signing(client)));
//! # }
//! ```
//!
//! It is called on threads of the exporter, outside any runtime, and may block them. A client that needs
//! tokio spawns its work on a runtime's `Handle` and awaits that. Retries, compression and headers stay
//! the exporter's; a client that does not answer in time is given up.
//!
//! # Limits
//!
//! An exporter keeps at most 10 MiB of what waits and is under way (see [`Batch`]), and sends bodies of
//! at most 1 MiB before compression, unless a single span or log record is larger. What finds no room
//! is dropped and counted. A collector that is overloaded is asked again after 200 ms, then after twice
//! as long each time up to 12.8 s, or later if its `Retry-After` says so, until the time limit of the
//! export. At most 64 KiB of an answer are read.
//!
//! What exporters and their connections say to `tracing` reaches no subscriber, because exporting it
//! would make more of it. Losses are warned of, through `tracing` or on stderr where no subscriber is set:
//! failures once a minute, drops once in ten seconds.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `tls` | yes | https endpoints, by rustls with aws-lc-rs and the platform's authorities |
//! | `tls-ring` | no | the same with ring; with both, `tls` counts |
//! | `logs` | no | `BatchLogProcessor` for log records |
//! | `otlp-json` | no | the protocol `http/json` |
//! | `otlp-grpc` | no | the protocol `grpc`, on a runtime of one thread that belongs to the exporters |
//! | `zipkin` | no | `ZipkinExporter` |
//! | `prometheus` | no | `PrometheusExporter`, its service and its server |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod console;
mod diagnostics;
mod error;
mod exemplars;
mod exports;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "logs")]
mod logs;
mod metric_exporter;
mod otlp;
mod pipeline;
#[cfg(feature = "prometheus")]
mod prometheus;
mod report;
#[cfg(test)]
mod sample;
mod self_metrics;
mod span_processor;
mod sync;
mod transport;
pub mod wiring;
#[cfg(feature = "zipkin")]
mod zipkin;

#[cfg(feature = "logs")]
pub use self::logs::{BatchLogProcessor, LogLimits};
#[cfg(feature = "prometheus")]
pub use self::prometheus::{PrometheusExporter, PrometheusServer, PrometheusService};
#[cfg(feature = "zipkin")]
pub use self::zipkin::ZipkinExporter;
pub use self::{
    console::{ConsoleExporter, ConsoleFormat},
    error::ExportError,
    exports::Exports,
    metric_exporter::MetricExporter,
    otlp::{Compression, OtlpExporter, OtlpFile, Protocol},
    pipeline::{batch::Batch, span_sink::SpanSink},
    report::{ShutdownReport, SignalReport},
    self_metrics::spans::CountedSampler,
    span_processor::BatchSpanProcessor,
    transport::{
        proxy::{NoProxy, Proxy},
        tls::Tls,
    },
};
/// The version whose `HttpClient` fits [`OtlpExporter::client`](field@OtlpExporter::client).
pub use opentelemetry_http;
/// What [`MetricExporter`] and the page of Prometheus take exemplars from.
pub use tracewire_exemplar::Exemplars;
