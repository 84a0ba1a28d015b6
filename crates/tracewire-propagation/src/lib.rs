//! Reads and writes trace context and baggage in HTTP headers.
//!
//! A [`Propagator`] carries a [`Context`](opentelemetry::Context) between processes. Each header
//! format is one, behind a cargo feature of its own:
//!
//! | feature | default | in `OTEL_PROPAGATORS` | type | headers |
//! |---|---|---|---|---|
//! | `tracecontext` | ✔ | `tracecontext` | `TraceContext` | `traceparent`, `tracestate` |
//! | `baggage` | ✔ | `baggage` | `Baggage` | `baggage` |
//! | `b3` | | `b3` | `B3::single()` | `b3` |
//! | `b3` | | `b3multi` | `B3::multi()` | `x-b3-traceid`, `-spanid`, `-sampled`, `-flags` |
//! | `jaeger` | | `jaeger` | `Jaeger` | `uber-trace-id`, `uberctx-*` |
//! | `xray` | | `xray` | `XRay` | `x-amzn-trace-id` |
//! | `datadog` | | `datadog` | `Datadog` | `x-datadog-*` |
//! | `elastic` | | `elastic` | `Elastic` | `elastic-apm-traceparent`, and W3C's |
//!
//! Most programs never name one: [`default_propagator`] is what `OTEL_PROPAGATORS` says, or else
//! all formats that are compiled in. [`from_names`] chooses by name, [`Composite`] puts several
//! together, [`set_default`] replaces the default and [`register`] adds a name. [`HeaderFormat`]
//! lists every format, compiled in or not. [`TextMap`] adapts a propagator to OpenTelemetry's own
//! trait, and [`FromTextMap`] adapts one of theirs.
//!
//! # What travels in the context
//!
//! The caller's span is the context's remote span, and baggage is OpenTelemetry's baggage. What
//! those cannot hold travels beside them: a [`SamplingHint`], the random flag
//! ([`with_random_trace_id`]), and what a format has to send on unchanged. None of it crosses from
//! one format's headers into another's. Work that is not to be recorded carries a mark
//! ([`untraced`]).
//!
//! [`current`] attaches a context in destructors that may run while their thread ends.
//!
//! # Features
//!
//! Besides the formats there is `internal-logs` (default): one short line a minute at most for each
//! header that comes in malformed, through OpenTelemetry's own log macros.

mod composite;
pub mod current;
mod default;
mod formats;
mod names;
mod propagator;
mod random_flag;
mod register;
mod remove;
mod response;
mod sampling_hint;
mod text_map;
// Shared by the formats, so a build of few formats leaves some of it unused.
#[allow(dead_code)]
mod tools;
mod untraced;

// The formats that are compiled in, and their table.
pub use self::formats::*;
pub use self::{
    composite::Composite,
    default::{default_propagator, default_version, set_default},
    names::{NamedPropagators, NotCompiledIn, allowed_names, from_env, from_names},
    propagator::Propagator,
    random_flag::with_random_trace_id,
    register::{RegisterError, register},
    remove::remove_propagation_headers,
    response::inject_response,
    sampling_hint::SamplingHint,
    text_map::{FromTextMap, TextMap},
    untraced::{is_untraced, outgoing, untraced},
};

#[cfg(all(doctest, feature = "tracecontext"))]
#[doc = include_str!("../README.md")]
struct Readme;
