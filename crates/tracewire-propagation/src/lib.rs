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
//! together, [`set_default`] replaces the default and [`register`] adds a name. [`TextMap`] and
//! [`FromTextMap`] adapt to OpenTelemetry's own trait and back.
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

// The formats share their tools, so a build of few formats leaves some unused.
#![cfg_attr(
    not(all(
        feature = "tracecontext",
        feature = "baggage",
        feature = "b3",
        feature = "jaeger",
        feature = "xray",
        feature = "datadog",
        feature = "elastic",
    )),
    allow(dead_code, unused_imports, unused_macros)
)]

mod carrier;
mod composite;
mod context;
pub mod current;
mod format;
mod hex;
mod hint;
mod known;
mod log;
mod percent;
mod process;
mod propagator;
mod random;
mod registry;
mod response;
mod selection;
mod text_map;
mod traceparent;
mod unrecorded;
mod untraced;

#[cfg(feature = "b3")]
mod b3;
#[cfg(feature = "baggage")]
mod baggage;
#[cfg(feature = "datadog")]
mod datadog;
#[cfg(feature = "elastic")]
mod elastic;
#[cfg(feature = "jaeger")]
mod jaeger;
#[cfg(feature = "tracecontext")]
mod tracecontext;
#[cfg(any(feature = "tracecontext", feature = "elastic"))]
mod tracestate;
#[cfg(any(feature = "tracecontext", feature = "elastic"))]
mod w3c;
#[cfg(feature = "xray")]
mod xray;

#[cfg(feature = "b3")]
pub use self::b3::B3;
#[cfg(feature = "baggage")]
pub use self::baggage::Baggage;
#[cfg(feature = "datadog")]
pub use self::datadog::Datadog;
#[cfg(feature = "elastic")]
pub use self::elastic::Elastic;
#[cfg(feature = "jaeger")]
pub use self::jaeger::Jaeger;
#[cfg(feature = "tracecontext")]
pub use self::tracecontext::TraceContext;
#[cfg(feature = "xray")]
pub use self::xray::XRay;
pub use self::{
    composite::Composite,
    format::Format,
    hint::SamplingHint,
    known::remove_known,
    process::{
        default_generation, default_propagator, describe_unsampled, set_default,
        set_describe_unsampled,
    },
    propagator::Propagator,
    random::with_random_trace_id,
    registry::{RegisterError, register},
    response::inject_response,
    selection::{NotCompiledIn, Selection, allowed_names, from_env, from_names},
    text_map::{FromTextMap, TextMap},
    untraced::{is_untraced, outgoing, untraced},
};

#[cfg(all(doctest, feature = "tracecontext"))]
#[doc = include_str!("../README.md")]
struct Readme;
