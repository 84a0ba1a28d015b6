//! Exemplars for OpenTelemetry histograms: for each bucket, a recent measurement and the ids of its span.
//!
//! An exemplar leads from a slow bucket on a graph to a trace of a request that was that slow.
//! OpenTelemetry's Rust SDK records none, so [`Exemplars`] keeps them beside its histograms: code that
//! records a measurement offers it here as well, and an exporter joins the two. `tracewire-http` and
//! `tracewire-span` offer their durations, and `tracewire-export` joins them.
//!
//! ```
//! use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
//! use opentelemetry::{InstrumentationScope, KeyValue};
//! use std::time::SystemTime;
//! use tracewire_exemplar::Exemplars;
//!
//! let exemplars = Exemplars::new();
//! let scope = InstrumentationScope::builder("shop").build();
//! let reservoirs = exemplars.instrument(&scope, "checkout.duration", &[0.1, 1.0]);
//!
//! # let (trace, span) = (TraceId::from(1), SpanId::from(2));
//! let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
//! let attributes = [KeyValue::new("payment", "card")];
//! reservoirs.offer(0.25, &attributes, &span, SystemTime::now());
//!
//! let collected = exemplars.collect(&scope, "checkout.duration", SystemTime::UNIX_EPOCH..=SystemTime::now());
//! assert_eq!(collected[0].exemplars[0].trace_id, trace);
//! ```
//!
//! # What is kept
//!
//! Only measurements of sampled spans: the filter that the specification calls `trace_based`. Each
//! bucket keeps the last one, thinned out to one in 100 ms, so that threads that measure at once do not
//! write to the same memory for every request. What is collected is replaced by the next measurement,
//! so every bucket that was hit since the last export has an exemplar. A measurement that meets another
//! thread at the same bucket is skipped, so none waits for another. Only the first one of a series takes a
//! lock that others may wait for.
//!
//! # Limits
//!
//! A store takes at most 2 MiB. That is enough for 1,200 series with 15 buckets and six attributes each;
//! later series have no exemplars. Offering a measurement allocates only for the first sampled one of a
//! series.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod digest;
mod process;
mod reservoir;
mod store;

pub use self::{
    process::{install, installed, uninstall},
    reservoir::{Exemplar, Reservoir},
    store::{Exemplars, Reservoirs, SeriesExemplars},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
