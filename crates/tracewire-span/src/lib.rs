//! Custom OpenTelemetry spans: async, nested, with errors recorded.
//!
//! ```
//! use tracewire_span::{current, span};
//!
//! async fn insert_user(name: &str) -> Result<u64, std::io::Error> {
//!     span("insert-user").attribute("user.name", name).run(async {
//!         let id = 42; // the work
//!         current().set_attribute("user.id", id);
//!         Ok(id)
//!     }).await
//! }
//! ```
//!
//! The span is a child of the current span, is current itself in everything the future does, and
//! ends with it. An `Err` is recorded automatically, and so is a panic: an `exception` event
//! with type and message, the status Error, and `error.type`. URLs in the message lose their user
//! information and their queries.
//!
//! | to | write |
//! |---|---|
//! | trace a future, a closure, a stream | [`span`]`("name")` and [`run`](SpanBuilder::run), [`in_scope`](SpanBuilder::in_scope), [`stream`](SpanBuilder::stream) |
//! | leave an `Err` unrecorded | [`ignore_errors`](SpanBuilder::ignore_errors) before these |
//! | enrich the span that is current | [`current`]`()`, then [`set_attribute`](Span::set_attribute), [`add_event`](Span::add_event), [`record_error`](Span::record_error) … |
//! | end a span later than its scope | [`start`](SpanBuilder::start), and [`Span::end`] |
//! | carry a span into a task or a thread | [`spawn`], [`spawn_blocking`], [`Span::carry`], [`Span::in_scope`] |
//! | name your library as the source of its spans | [`tracer!`], [`Tracer`] |
//! | trace calls to a database | [`database`] |
//! | create instruments under the name of your package | [`meter!`](macro@meter) |
//! | measure in a histogram whose buckets lead to traces | [`histogram!`], [`Histogram`] |
//! | send values along with outgoing calls | [`baggage`] |
//!
//! There is no attribute macro, because `span("name")` takes one line and is plain Rust. Functions with
//! `tracing`'s `#[instrument]` nest with these spans in either order.
//!
//! The crate depends on the OpenTelemetry API only. Without an SDK in the process a span costs three
//! small allocations, and setting something on it costs none. Spans go to the global tracer provider, to one given to a [`Tracer`],
//! or to the one that the [context carries](provider).
//!
//! Names longer than 256 bytes and texts longer than 4096 are cut at a character and end with `…`.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod baggage;
mod builder;
mod carry;
pub mod database;
mod event;
mod exemplars;
mod global;
mod handle;
mod histogram;
mod limit;
mod meter;
mod output;
pub mod provider;
mod run;
#[cfg(feature = "tokio")]
mod spawn;
mod stream;
mod tracer;
mod value;

#[cfg(feature = "tokio")]
pub use self::spawn::{spawn, spawn_blocking};
pub use self::{
    builder::{SpanBuilder, WithoutErrors},
    carry::Carried,
    event::Event,
    handle::{Span, current},
    histogram::Histogram,
    meter::meter,
    output::SpanOutput,
    run::InSpan,
    stream::StreamInSpan,
    tracer::{Tracer, span},
    value::{IntoAttribute, IntoValue},
};
pub use opentelemetry::{
    Context, KeyValue, Value,
    trace::{SpanContext, SpanKind, Status},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
