#![doc = include_str!("../README.md")]
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
//! | `datadog` | `x-datadog-*` | |
//! | `elastic` | `elastic-apm-traceparent` | |
//! | `tonic` | error types of tonic's channel in `ClientLayer` (gRPC itself is the option `grpc` of every layer) | |
//! | `tower-http` | a span maker for tower-http's `TraceLayer` | |
//! | `tracing` | ids in the log lines of `tracing`, context kept across its spans; with `init` a subscriber, and its spans in the trace | |
//! | `logs` | with `init`: log records over OTLP, made of `tracing` events | |
//! | `otlp-json`, `otlp-grpc` | with `init`: OTLP as JSON, and over gRPC | |
//! | `zipkin` | with `init`: the exporter `zipkin` for spans | |
//! | `prometheus` | with `init`: the exporter `prometheus` for metrics | |
//! | `process-metrics` | with `init`: CPU time, memory, threads and more of the process | |
//! | `runtime-metrics` | with `init`: workers and tasks of tokio's runtimes | |
//! | `live` | with `init`: recent traces on a page in the process itself | |
//! | `config-file` | with `init`: `ConfigFile`, which checks an OpenTelemetry configuration file | |
//! | `uptrace`, `elastic-apm`, `datadog-agent` | with `init`: configures export from the vendor's own environment variables | |
//! | `full` | all of these but `tls-ring` | |
//! | `diesel`, `redis`, `sqlx-mysql`, `sqlx-postgres`, `sqlx-sqlite` | database drivers, traced without wrapping each call | |
//!
//! The header formats that are compiled in are the ones used. `OTEL_PROPAGATORS` chooses among them,
//! and code overrides both. Cargo unifies the features of all crates in a build: in a library, turn the
//! defaults off and enable no format.

#[cfg(feature = "init")]
#[doc(inline)]
pub use tracewire_init::{InitError, ShutdownReport, Telemetry, init};

#[cfg(all(feature = "init", feature = "signal"))]
#[doc(inline)]
pub use tracewire_init::{ShutdownSignal, shutdown_signal};

#[cfg(feature = "reqwest")]
#[doc(inline)]
pub use tracewire_reqwest::ClientMiddleware;

/// The versions of OpenTelemetry, reqwest and reqwest-middleware that fit: types of another version
/// are other types.
pub use opentelemetry;
#[cfg(feature = "reqwest")]
pub use tracewire_reqwest::{reqwest, reqwest_middleware};

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
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub mod client {
    #[cfg(feature = "reqwest")]
    pub use tracewire_reqwest::*;
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
#[doc(inline)]
pub use tracewire_diesel as diesel;

#[cfg(feature = "redis")]
#[doc(inline)]
pub use tracewire_redis as redis;

#[cfg(feature = "sqlx")]
#[doc(inline)]
pub use tracewire_sqlx as sqlx;

/// Process set-up: the builder, the guard, the sampler, and the log lines of `tracing`.
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
