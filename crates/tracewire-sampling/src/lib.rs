//! Samplers for OpenTelemetry: consistent probability, rules and target rates, with counts that add
//! up.
//!
//! A kept span carries the probability with which it was kept, as `ot=th:…` in its trace state. A
//! back end that reads it counts each span as often as it stands for, so that rates, error ratios
//! and latencies of sampled traces are those of all requests. Services with different probabilities
//! keep nested sets of traces, because all of them compare with the same random number.
//!
//! It works with any tracer provider of the SDK:
//!
//! ```
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracewire_sampling::{ParentThreshold, Probability, Sampler};
//!
//! let sampler = Sampler::new(ParentThreshold::new(Probability::new(0.01)?));
//! let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
//! # Ok::<(), tracewire_sampling::ProbabilityError>(())
//! ```
//!
//! `tracewire_init::init` installs it for `OTEL_TRACES_SAMPLER=parentbased_probability` and
//! `parentbased_rules`, among others.
//!
//! # Which sampler
//!
//! | to | use |
//! |---|---|
//! | keep a fixed part | [`Probability`] |
//! | decide by route, kind, attribute or parent | [`RuleBased`] |
//! | keep about so many traces a second | [`RateTarget`] |
//! | follow the caller's decision, and decide only where a trace begins | [`ParentThreshold`] around any of them |
//! | keep or drop all | [`AlwaysOn`], [`AlwaysOff`] |
//! | mark what a sampler keeps | [`Annotating`] |
//! | record dropped spans for processors | [`Sampler::always_record`] |
//! | use a sampler that knows no thresholds | [`Sampler::wrap`], [`Sampler::parent_based`], [`Sampler::by_parent`] |
//!
//! All of the first six are [`Composable`]: they name a threshold, and [`Sampler`] decides.
//!
//! # Random trace ids
//!
//! Without an `rv` in the trace state, the last seven bytes of the trace id are the random number,
//! whether or not the caller set the random flag. The SDK's generator draws whole ids. A custom
//! `IdGenerator` has to make these seven bytes uniformly random, or counts are wrong.
//!
//! # Features
//!
//! `internal-logs` (default): a line through OpenTelemetry's own log macros, once in a process, if a
//! trace state has no room for a threshold (warning), or a caller does not mark its trace ids as
//! random (debug).
//!
//! # Status
//!
//! Follows OpenTelemetry's specification of probability sampling, which is in development:
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod composable;
mod contained;
mod digits;
mod new_trace;
mod otel_trace_state;
mod parent;
mod parent_branches;
mod plain;
mod randomness;
mod rate;
mod rules;
mod sampler;
mod shared;
mod sync;
mod threshold;

pub use self::{
    composable::{
        AlwaysOff, AlwaysOn, Annotating, Composable, Intent, ParentDecision, ParentKind,
        ParentThreshold, Probability, ProbabilityError, RateStatus, RateTarget, SamplingParameters,
    },
    otel_trace_state::{OtelTraceState, with_threshold},
    parent_branches::ParentBranches,
    randomness::Randomness,
    rate::{MonotonicClock, SystemClock},
    rules::{Conditions, Pattern, RuleBased, RuleError},
    sampler::Sampler,
    threshold::Threshold,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
