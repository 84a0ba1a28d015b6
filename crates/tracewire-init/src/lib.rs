//! OpenTelemetry set-up from the standard `OTEL_*` variables, with a shutdown that reports losses.
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let telemetry = tracewire_init::init()?;
//!     // ... the program ...
//!     telemetry.shutdown(); // exports what is left, and warns if anything was lost
//!     Ok(())
//! }
//! ```
//!
//! [`init`] reads the environment, sets OpenTelemetry's global providers and propagators, and gives
//! a guard. Spans and log records are exported in batches and metrics once a minute, over OTLP/HTTP,
//! by threads of their own: it works on every runtime, and without one. [`Telemetry::builder`] has the same
//! settings in code; code wins over the environment, and the environment over the default.
//!
//! # What you will see
//!
//! With `OTEL_TRACES_EXPORTER=console`, one tree for each trace that is finished in this process:
//!
//! ```text
//! trace 5b8aa5a2d2c872e8321cf37308d69df2 · shop · 4 spans · 14.2 ms
//! └─ SERVER GET /orders/{id}            14.2 ms  502  ✗  path=/orders/7
//!    └─ price the order                 13.0 ms  ✗ no price for item 13  order.items=1
//!       └─ CLIENT GET                    4.4 ms  500  ✗  url=http://127.0.0.1:4001/items/13
//!          └─ SERVER GET /items/{id}     1.2 ms  500  ✗  path=/items/13
//! ```
//!
//! A line has the span's kind and name, how long it took, the status of the response, `✗` with the
//! error, and the attributes that the program added. Links (`→`) and events (`·`, `!` for exceptions)
//! stand below it. `remote parent` is the id of a parent in another process. Where the services of one
//! process have names of their own, each name stands where its part begins (`shop: SERVER …`).
//!
//! `TRACEWIRE_CONSOLE=json` makes that one line of JSON for each span. The tree has colors on a
//! terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
//!
//! A thread of its own writes to stdout and stderr, so a paused terminal, a full disk or a pipe that
//! nobody reads neither holds up requests nor panics. At most 4 MiB of text wait for it. Spans, log
//! records and data points that could not be written count as failed in the [`ShutdownReport`]. A span
//! waits for its trace to finish: at most 256 traces, 1,000 spans of one, 16 MiB in all, and five
//! minutes. What exceeds that is shown at once, as a tree of its own.
//!
//! # Variables
//!
//! Empty is unset. A value that cannot be read is warned of once and is then as good as unset. What
//! would lose everything (an endpoint that is no URL, a queue of zero) is an error of [`init`]. A
//! variable that is set and has no effect is warned of once, whether it is not supported, needs
//! another variable or a cargo feature, or is overridden in code. No message shows a value that may
//! hold a secret: headers, credentials, queries, keys, and whatever is not UTF-8.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `OTEL_CONFIG_FILE` | – | with the feature `config-file`: a file in place of all other variables |
//! | `OTEL_SDK_DISABLED` | `false` | `true`: no spans and no metrics; propagation stays |
//! | `OTEL_SERVICE_NAME` | `unknown_service:` and the executable's name | who is sending |
//! | `OTEL_RESOURCE_ATTRIBUTES` | – | `key=value,key=value`, percent-encoded |
//! | `OTEL_PROPAGATORS` | the formats compiled in | see `tracewire-propagation` |
//! | `OTEL_TRACES_SAMPLER`, `_ARG` | `parentbased_always_on`, 1.0 | `always_on`, `always_off`, `traceidratio`, `probability`, `rules`, and each with `parentbased_` before it; the argument is a ratio, a probability, or [rules](sampling::RuleBased::parse) |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER` | `otlp` | `otlp`, `otlp_file`, `otlp/stdout`, `console`, `none`, `zipkin` for spans, `prometheus` for metrics; several with commas |
//! | `TRACEWIRE_OTLP_FILE` | `stdout` | where the exporter `otlp_file` writes lines of JSON: `stdout`, or the path of a file |
//! | `OTEL_EXPORTER_ZIPKIN_ENDPOINT`, `_TIMEOUT` | `http://localhost:9411/api/v2/spans`, 10000 ms | where the exporter `zipkin` posts spans |
//! | `OTEL_EXPORTER_PROMETHEUS_HOST`, `_PORT` | `localhost`, 9464 | where the exporter `prometheus` serves `/metrics` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | `http://localhost:4318`; for `grpc`, port 4317 | base URL, to which `v1/traces`, `v1/metrics` or `v1/logs` is appended |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` | `http/protobuf`, `http/json`, `grpc` |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | `false` | for `grpc` and an endpoint without scheme: `true` is http, `false` https |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | – | `key=value,key=value`, percent-encoded |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | 10000 ms | for one export, retries included; 0 is no limit |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none` | `none`, `gzip` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | the platform's | PEM file: the only authorities to trust |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `_CLIENT_KEY` | – | PEM files, both or none |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative` | `cumulative`, `delta`, `lowmemory` |
//! | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | `explicit_bucket_histogram` | `base2_exponential_bucket_histogram` |
//! | `OTEL_BSP_SCHEDULE_DELAY` | 5000 ms | how long a span waits for its batch to fill |
//! | `OTEL_BSP_EXPORT_TIMEOUT` | 30000 ms | for one export, retries included; 0 is no limit |
//! | `OTEL_BSP_MAX_QUEUE_SIZE` | 32768, and 10 MiB in all | spans; if set, with more than 3 KiB each, fewer |
//! | `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` | 512, and up to 4096 under load | spans; at most the queue's size |
//! | `OTEL_BLRP_SCHEDULE_DELAY` | 1000 ms | and `OTEL_BLRP_EXPORT_TIMEOUT`, `_MAX_QUEUE_SIZE`, `_MAX_EXPORT_BATCH_SIZE`: the same for log records |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` | no limit | characters of an attribute value, and of the description of a status |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` | 128 | attributes of a span |
//! | `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT` | 128 | events and links of a span |
//! | `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | 128 | attributes of each of them |
//! | `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT` | as the general ones | of a log record |
//! | `OTEL_METRIC_EXPORT_INTERVAL` | 60000 ms | how often metrics are exported |
//! | `OTEL_METRICS_EXEMPLAR_FILTER` | `trace_based` | exemplars: measurements of sampled spans, or `always_off` |
//! | `OTEL_METRIC_EXPORT_TIMEOUT` | 30000 ms | for one export, retries included; 0 is no limit |
//! | `TRACEWIRE_RESOURCE_DETECTORS` | `none` | facts about the process in the resource: `service`, `container`, `kubernetes` (these three: `stable`), `host`, `os`, `process`, `aws`, `gcp`, `azure`, or `all`; with the feature `cloud-metadata` also `aws_metadata`, `gcp_metadata`, `azure_metadata` |
//! | `TRACEWIRE_METADATA_TIMEOUT` | 1000 ms | for the metadata servers that detectors ask, in total |
//! | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | – | with the feature `logs`: `logs` makes log records of exceptions in place of events of their spans, `logs/dup` both |
//! | `TRACEWIRE_METRICS` | `none` | metrics that are off otherwise: `process`, `runtime`, `self` (telemetry's own), or `all` |
//! | `TRACEWIRE_CONSOLE` | `tree` | what `console` shows: `tree` for people, `json` for machines |
//! | `TRACEWIRE_EXCLUDED_PATHS`, `TRACEWIRE_EXCLUDED_URLS` | none | read by the layers: requests and calls that are not traced, as comma-separated patterns |
//! | `TRACEWIRE_LOG` | `none` | with the feature `tracing`: `text` or `json` sets a subscriber that writes log lines with trace ids to stdout |
//! | `TRACEWIRE_LIVE` | `false` | with the feature `live`: `true` or `1` serves the live page at 127.0.0.1:4319, or the next free port; a port or `host:port` is another place |
//! | `TRACEWIRE_LIVE_TOKEN` | – | what requests to the live page have to send, 16 to 256 characters; needed where other hosts can reach it |
//! | `TRACEWIRE_LIVE_MEMORY` | 16 | MiB that the live page may take, at least 4 |
//! | `RUST_LOG` | `info,opentelemetry=warn` | with the feature `tracing`: which events are logged |
//! | `OTEL_LOG_LEVEL` | `info` | of this crate's own voice: `none`, `error`, `warn`, `info`, `debug`, `trace`; `debug` tells each setting and where it came from |
//!
//! The `OTEL_EXPORTER_OTLP_*` variables exist for each signal too (`OTEL_EXPORTER_OTLP_TRACES_…`,
//! `…_METRICS_…`, `…_LOGS_…`) and then win over the general one; a signal's own endpoint is
//! used as it is. A collector that is not on this machine is reached through the HTTP proxy of
//! `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` (by a tunnel, `CONNECT`), unless `NO_PROXY`
//! names it: a list of names (which cover those below them), addresses and networks, each with a
//! port or without, or `*`. With gRPC the proxy's own URL must begin with `http://`. What exporters
//! and their connections say to `tracing` reaches no subscriber, because exporting it would make
//! more of it.
//!
//! Each exporter keeps at most 10 MiB of what waits and is under way (or 3 KiB for each place of a
//! queue whose size is set), and sends bodies of at most 1 MiB before compression, unless a single
//! span or log record is larger. What finds no room is dropped and counted. A collector that is
//! overloaded is asked again after 200 ms, then after twice as long each time up to 12.8 s, or later
//! if its `Retry-After` says so, until the time limit of the export.
//!
//! Not supported: `OTEL_ENTITIES`, `OTEL_SEMCONV_STABILITY_OPT_IN` with `/dup`, and the retired
//! `OTEL_EXPORTER_JAEGER_*` and `OTEL_EXPORTER_OTLP_{SPAN,METRIC}_INSECURE`, which are warned of.
//!
//! # One file in place of variables
//!
//! With the feature `config-file`, `OTEL_CONFIG_FILE` or `Builder::config_file` names a YAML file of
//! OpenTelemetry's schema, version 1.0 or 1.1. It takes the place of all `OTEL_*` variables, of those of
//! vendors, and of `TRACEWIRE_*` ones that it has a node for; those that are set are warned of, once.
//! References in the file (`${NAME}`) still read variables. A file that is missing, or that asks for what
//! cannot be done, is an error with file, line, column and path of each problem. Programs add samplers,
//! exporters and others under names of their own with `Builder::component`, and `Telemetry::reload` reads the
//! file again. The program `tracewire-config` checks a file, and writes the one that says what the
//! environment says. The guide `docs/configuration-file.md` has the table of nodes.
//!
//! # Defaults in code
//!
//! A program that wants another default than this table's gives one to [`Builder::defaults`], by the
//! same methods as any setting: it yields to the environment, so operators can still choose. Settings
//! given to the builder itself win over the environment.
//!
//! # Several exporters
//!
//! Each signal has a list of exporters, each of which may have settings of its own: two collectors with
//! different endpoints, headers and batches are two [`TracesExporter`]s. The same span is shared between
//! them. Your own exporters, span processors, metric readers, views, samplers, detectors and HTTP
//! clients have their methods in [`Traces`], [`Metrics`], [`Logs`], [`Resource`] and [`Otlp`].
//!
//! # What was decided
//!
//! [`Builder::plan`] and [`Telemetry::plan`] give a [`Plan`], which prints each setting with its value
//! and where that came from.
//!
//! # The end of the process
//!
//! What waits to be exported is lost if the process ends without [`Telemetry::shutdown`] or the
//! guard's drop; [`Telemetry`] lists what runs them. With the feature `signal`, `shutdown_signal`
//! waits for Ctrl-C and SIGTERM.
//!
//! # Vendors
//!
//! With a vendor's feature its own variables stand for standard ones that are not set. Code wins
//! over `OTEL_*`, and `OTEL_*` over a vendor's; a vendor's credentials go to its own address only.
//!
//! | feature | variables |
//! |---|---|
//! | `uptrace` | `UPTRACE_DSN`, `UPTRACE_DISABLED` |
//! | `elastic-apm` | `ELASTIC_APM_SERVER_URL`, `_SECRET_TOKEN`, `_API_KEY`, `_SERVER_CA_CERT_FILE`, `_SERVICE_NAME`, `_SERVICE_VERSION`, `_SERVICE_NODE_NAME`, `_ENVIRONMENT`, `_HOSTNAME`, `_GLOBAL_LABELS`, `_TRANSACTION_SAMPLE_RATE`, `_ENABLED`, `_RECORDING` |
//! | `datadog-agent` | `DD_TRACE_AGENT_URL` or `DD_AGENT_HOST` (at the ports for OTLP), `DD_SERVICE`, `DD_ENV`, `DD_VERSION`, `DD_TAGS`, `DD_TRACE_ENABLED`, `DD_TRACE_SAMPLE_RATE`, `DD_TRACE_SAMPLING_RULES`, `DD_TRACE_RATE_LIMIT`, `DD_TRACE_PROPAGATION_STYLE`, `_EXTRACT`, `_INJECT`, `DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT`, `DD_TRACE_HTTP_SERVER_ERROR_STATUSES`, `DD_TRACE_HTTP_CLIENT_ERROR_STATUSES`, `DD_TRACE_HEADER_TAGS`, `DD_LOGS_INJECTION` |
//!
//! Other variables of these vendors are warned of once, by name. In code there are [`Uptrace`], [`Elastic`] and
//! [`Datadog`]. The guides `docs/uptrace.md`, `docs/elastic.md` and `docs/datadog.md` say what arrives and what is lost.
//!
//! Jaeger and the OpenTelemetry Collector take OTLP as it is: set `OTEL_EXPORTER_OTLP_ENDPOINT`.
//!
//! # Features
//!
//! | feature | default | what |
//! |---|---|---|
//! | `tls` | yes | https endpoints, by rustls with aws-lc-rs and the platform's authorities |
//! | `tls-ring` | no | the same with ring; with both, `tls` counts |
//! | `logs` | no | log records: exporters, and `Telemetry::log_layer`, which makes them of `tracing` events |
//! | `tracing` | no | a subscriber (`Builder::log_format`), and `Telemetry::span_layer`, which makes spans of `tracing` spans |
//! | `signal` | no | `shutdown_signal`, for Ctrl-C and SIGTERM (brings tokio's signal handling) |
//! | `otlp-json` | no | the protocol `http/json`, and the exporter `otlp_file` |
//! | `otlp-grpc` | no | the protocol `grpc`, on a runtime of one thread that belongs to telemetry |
//! | `zipkin` | no | the exporter `zipkin` for spans |
//! | `live` | no | the live page: recent traces in the process itself, see [`Builder::live`] |
//! | `axum` | no | the callers of a mounted live page, from axum's `ConnectInfo` |
//! | `config-file` | no | OpenTelemetry's YAML configuration file (`OTEL_CONFIG_FILE`) |
//! | `command` | no | the program `tracewire-config`, with `config-file` and the formats `tracecontext` and `baggage` |
//! | `prometheus` | no | the exporter `prometheus` for metrics |
//! | `uptrace`, `elastic-apm`, `datadog-agent` | no | the variables of these vendors; the latter two add their header format |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod baggage;
mod builder;
mod claim;
mod config;
mod contained;
mod ended;
mod error;
mod features;
#[doc(hidden)]
pub mod fuzzing;
mod given_ids;
mod guard;
mod layers;
mod live;
#[cfg(feature = "logs")]
mod log_records;
#[cfg(not(feature = "logs"))]
#[path = "without/log_records.rs"]
mod log_records;
mod plan;
mod presets;
mod providers;
mod running;
mod settings;
#[cfg(feature = "signal")]
mod signal;
#[cfg(feature = "tracing")]
mod subscriber;
#[cfg(not(feature = "tracing"))]
#[path = "without/subscriber.rs"]
mod subscriber;
mod sync;
#[cfg(any(feature = "logs", feature = "tracing"))]
mod targets;
mod variables;

pub use self::{
    baggage::BaggageAttributes,
    builder::{
        Batching, Builder, Console, Datadog, Elastic, Exceptions, HistogramAggregation, Live,
        LogFormat, Logs, LogsExporter, Metrics, MetricsExporter, Otlp, Prometheus, Resource,
        Traces, TracesExporter, Uptrace, Zipkin,
    },
    config::detectors::Detector,
    error::InitError,
    given_ids::GivenTraceIds,
    guard::Telemetry,
    plan::Plan,
};

#[cfg(feature = "config-file")]
pub use self::{
    builder::Component,
    config::file::{ConfigFile, ConfigFileError},
};
/// Where exemplars are kept, for layers with a meter provider of their own.
pub use tracewire_exemplar::Exemplars;
pub use tracewire_export::{
    Compression, ConsoleFormat, OtlpFile, Protocol, ShutdownReport, SignalReport,
};
pub use tracewire_sampling as sampling;

#[cfg(feature = "live")]
pub use tracewire_live::{LivePage, PageBody};

#[cfg(feature = "prometheus")]
pub use tracewire_export::PrometheusService;

#[cfg(feature = "signal")]
pub use self::signal::{ShutdownSignal, shutdown_signal};

/// Sets telemetry up for this process from the environment.
///
/// # Errors
///
/// If telemetry is initialized already, or a variable asks for something that cannot work. Nothing
/// is changed then.
///
/// ```no_run
/// fn main() -> Result<(), tracewire_init::InitError> {
///     let telemetry = tracewire_init::init()?;
///     // ... the program ...
///     telemetry.shutdown();
///     Ok(())
/// }
/// ```
pub fn init() -> Result<Telemetry, InitError> {
    Telemetry::builder().init()
}
