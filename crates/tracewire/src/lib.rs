#![cfg_attr(
    all(feature = "axum", feature = "init", feature = "reqwest", feature = "signal"),
    doc = include_str!("../README.md")
)]
//!
//! # Where to go from here
//!
//! | to | see |
//! |---|---|
//! | choose what server spans record, leave out health checks, trust proxies and callers | [`ServerLayer`], [`server`] |
//! | trace calls of reqwest, or of a Tower client | [`ClientMiddleware`], [`ClientLayer`], [`client`] |
//! | set exporters, resource and batches in code; flush and shut down | [`setup`], [`Telemetry`] |
//! | add custom spans, events and errors, carry them into tasks, send baggage | [`span`] |
//! | get trace ids into the log lines of `tracing`, and its spans into the trace | [`setup::TraceIds`], [`setup::ContextLayer`] |
//! | trace databases | [`sqlx`], [`redis`], [`span::database`] |
//! | keep a part of the traces | [`sampling`] |
//! | choose header formats, or carry the trace through a queue | [`propagation`] |
//! | see traces in a browser, without a collector | [`setup::Live`] |
//! | test what a service exports | the crate `tracewire-testing` |
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `axum` | routes, peers and paths from axum 0.8; `server::wrap_router` | yes |
//! | `tower` | `ServerLayer`, `ClientLayer` | by `axum` |
//! | `reqwest` | `ClientMiddleware` for reqwest 0.13 and reqwest-middleware 0.5 | yes |
//! | `init` | `init()`: SDK, OTLP over HTTP (protobuf, gzip), console | yes |
//! | `tls` | TLS for the exporter: rustls with aws-lc-rs and the platform's roots | yes |
//! | `tls-ring` | the same with ring | |
//! | `signal` | `shutdown_signal()`, for Ctrl-C and SIGTERM (tokio's signal handling) | yes |
//! | `span` | custom spans | yes |
//! | `tracecontext` | W3C `traceparent` and `tracestate` | yes |
//! | `baggage` | W3C `baggage` | yes |
//! | `b3` | B3, single and multi headers | |
//! | `jaeger` | `uber-trace-id` and `uberctx-` baggage | |
//! | `xray` | `X-Amzn-Trace-Id` | |
//! | `gcp` | `X-Cloud-Trace-Context` | |
//! | `grpc-trace-bin` | OpenCensus's `grpc-trace-bin`, on gRPC calls | |
//! | `datadog` | `x-datadog-*` | |
//! | `elastic` | `elastic-apm-traceparent` | |
//! | `tonic` | error types of tonic's channel in `ClientLayer` (gRPC itself is the option `grpc` of every layer) | |
//! | `connections` | what a call spent on looking its host up, connecting, TLS and waiting for a connection | |
//! | `rustls` | with `connections`: TLS apart from connecting, for reqwest with a rustls configuration of yours | |
//! | `tower-http` | a span maker for tower-http's `TraceLayer` | |
//! | `tracing` | ids in the log lines of `tracing`, context kept across its spans; with `init` a subscriber, and its spans in the trace | |
//! | `logs` | with `init`: log records over OTLP, made of `tracing` events | |
//! | `otlp-json`, `otlp-grpc` | with `init`: OTLP as JSON, and over gRPC | |
//! | `zipkin` | with `init`: the exporter `zipkin` for spans | |
//! | `prometheus` | with `init`: the exporter `prometheus` for metrics | |
//! | `process-metrics` | with `init`: CPU time, memory, threads and more of the process | |
//! | `runtime-metrics` | with `init`: workers and tasks of tokio's runtimes | |
//! | `live` | with `init`: recent traces on a page in the process itself | |
//! | `cloud-metadata` | with `init`: resource detectors that ask the metadata servers of AWS, Google Cloud and Azure | |
//! | `config-file` | with `init`: OpenTelemetry's configuration file, in place of variables | |
//! | `uptrace`, `elastic-apm`, `datadog-agent` | with `init`: configures export from the vendor's own environment variables | |
//! | `sqlx-mysql`, `sqlx-postgres`, `sqlx-sqlite` | `sqlx::pool`, which traces every query of sqlx 0.8; `sqlx` alone for other drivers | |
//! | `redis` | `redis::connection`, which traces every command of redis 1 | |
//! | `diesel` | `diesel::instrumentation`, which traces every query of diesel 2.3 and diesel-async 0.9 | |
//! | `full` | all of these but `tls-ring` and the databases | |
//!
//! The header formats that are compiled in are the ones used. `OTEL_PROPAGATORS` chooses among them,
//! and code overrides both. Cargo unifies the features of all crates in a build: in a library, turn the
//! defaults off and enable no format.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::{InitError, ShutdownReport, Telemetry, init};

#[cfg(all(feature = "init", feature = "signal"))]
#[doc(inline)]
pub use tracewire_init::{ShutdownSignal, shutdown_signal};

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use tracewire_reqwest::ClientMiddleware;

/// The version of OpenTelemetry that fits: types of another version are other types.
pub use opentelemetry;
/// The version of reqwest that fits.
#[cfg(feature = "reqwest")]
pub use tracewire_reqwest::reqwest;
/// The version of reqwest-middleware that fits.
#[cfg(feature = "reqwest")]
pub use tracewire_reqwest::reqwest_middleware;

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::{ClientLayer, ServerLayer};

#[cfg(feature = "tower")]
#[doc(inline)]
pub use tracewire_tower::server;

/// The client side: [`ClientMiddleware`] for reqwest, [`ClientLayer`] for any Tower client.
///
/// What is recorded, when it ends, what retries and redirects look like, and which headers go
/// where is listed in the docs of `tracewire-reqwest` and of `tracewire_tower::client`.
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # {
/// use tracewire::client::{ClientMiddleware, Destinations, Hosts};
/// use tracewire::reqwest_middleware::ClientBuilder;
///
/// // Baggage also goes to a partner; trace context goes everywhere.
/// let partner = Destinations::new().baggage(Hosts::internal().and(["*.partner.example"]));
/// let client = ClientBuilder::new(tracewire::reqwest::Client::new())
///     .with(ClientMiddleware::new().destinations(partner))
///     .build();
/// # }
/// ```
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod client {
    // No glob, which would bring all pages of reqwest into the documentation.
    #[cfg(feature = "reqwest")]
    pub use tracewire_reqwest::{
        Authority, CallOptions, ClientMiddleware, ClientRequest, ClientResponse, Clock,
        Destinations, Ending, ErrorType, Exemplars, HeaderSelector, Hosts, KnownMethods, Outcome,
        RedirectError, Redirected, Redirects, Resends, RpcMethods, Scheme, SensitiveKeys,
        ServicePeers, UrlTemplates, Urls, Verdict,
    };
    #[cfg(feature = "reqwest")]
    #[doc(no_inline)]
    pub use tracewire_reqwest::{reqwest, reqwest_middleware};
    #[cfg(feature = "tower")]
    pub use tracewire_tower::client::*;
}

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::sampling;

#[doc(inline)]
pub use tracewire_propagation as propagation;

#[cfg(feature = "span")]
#[doc(inline)]
pub use tracewire_span as span;

#[cfg(feature = "span")]
#[doc(inline)]
pub use tracewire_span::meter;

#[cfg(feature = "diesel")]
#[doc(no_inline)] // it would bring all pages of diesel here
pub use tracewire_diesel as diesel;

#[cfg(feature = "redis")]
#[doc(no_inline)] // it would bring all pages of redis here
pub use tracewire_redis as redis;

#[cfg(feature = "sqlx")]
#[doc(no_inline)] // likewise
pub use tracewire_sqlx as sqlx;

/// Process set-up: the builder, the guard, the sampler, and the log lines of `tracing`.
///
/// ```no_run
/// # #[cfg(feature = "init")]
/// # fn main() -> Result<(), tracewire::InitError> {
/// use tracewire::setup::{Otlp, Telemetry, Traces, TracesExporter};
///
/// let telemetry = Telemetry::builder()
///     .service_name("shop")
///     .otlp(Otlp::new().endpoint("https://otlp.example").header("api-key", "…"))
///     .traces(Traces::new().exporters([TracesExporter::otlp(), TracesExporter::console()]))
///     .init()?;
/// # telemetry.shutdown();
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "init"))]
/// # fn main() {}
/// ```
#[cfg(any(feature = "init", feature = "tracing"))]
pub mod setup {
    #[cfg(feature = "init")]
    pub use tracewire_init::*;
    #[cfg(feature = "tracing")]
    pub use tracewire_tracing::*;
}

#[cfg(any(feature = "reqwest", feature = "tower"))]
#[doc(inline)]
pub use tracewire_http::conventions;
