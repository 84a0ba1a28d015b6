//! For services that log with [`tracing`]: adds the ids of the current trace to every log line, and keeps
//! the trace where `tracing` spans cross tasks.
//!
//! ```
//! use tracewire_tracing::{ContextLayer, TraceIds};
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry()
//!     .with(ContextLayer::new())
//!     .with(tracing_subscriber::fmt::layer().map_event_format(TraceIds::new))
//!     .init();
//! tracing::info!(user.id = 7, "signed up");
//! ```
//!
//! Inside a trace that prints
//!
//! ```text
//! 2025-01-02T03:04:05.678901Z  INFO shop: signed up user.id=7 trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331
//! ```
//!
//! Use either or both, with any subscriber built on `tracing-subscriber`'s registry. `tracing-opentelemetry`
//! is not required. With its context activation, which is on by default, `tracing` spans and OpenTelemetry
//! spans nest in either order, and the ids are those of the innermost span.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod context_layer;
mod trace_ids;

#[doc(hidden)]
pub use self::trace_ids::writes_without_ids;
pub use self::{
    context_layer::ContextLayer,
    trace_ids::{Layout, TraceIds},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
