//! A bounded store of recent traces, and the page that shows them.
//!
//! The page lists recent requests, draws each as a waterfall, counts routes, and shows what runs right
//! now. It keeps errors and slow traces longer than ordinary ones, in 16 MiB by default.
//!
//! ```
//! use std::sync::Arc;
//! use tracewire_live::{Live, RequestStart};
//!
//! let recorder = Live::new().memory_mib(16).service("shop", "1.4.0").build();
//!
//! // When a request begins, on its own thread:
//! recorder.request_started(RequestStart {
//!     trace_id: [1; 16],
//!     span_id: [2; 8],
//!     start: 1_780_000_000_000_000_000,
//!     name: Arc::from("GET"),
//!     path: "/orders/7",
//! });
//! // When its span ends, `recorder.ended(..)` decides whether its trace is kept.
//!
//! // A Tower service to mount, or to serve on a port of its own (feature `server`):
//! let page = recorder.page();
//! # let _: tracewire_live::LivePage = page;
//! ```
//!
//! # How spans come in
//!
//! This crate knows neither the SDK nor a runtime. Three things are brought to it:
//!
//! - **Spans that ended**, as [`EndedSpan`]: facts that are cheap to read, and an encoding to OTLP that
//!   runs only if the trace is kept. [`Recorder::offer`] takes them, on a thread of the caller's.
//!   [`EncodedSpan`] is the implementation for spans that were received as OTLP.
//! - **Requests that begin**, by [`Recorder::request_started`] on the request's thread. Only entry spans
//!   belong here. Their spans, and those within them, go to [`Recorder::ended`] on the thread that ends them:
//!   it decides about most traces at once, and returns only what [`Recorder::bring`] is to be given. Without
//!   it, [`Recorder::request_ended`] ends a request, and its spans are offered as all others.
//! - **The time**, by [`Recorder::tick`] each second.
//!
//! Log records join their trace by [`Recorder::offer_log`]. Telemetry's own counts and the process's
//! metrics are asked of closures ([`Recorder::set_telemetry`], [`Recorder::set_metrics`]) only while
//! a browser shows them.
//!
//! A resource and a scope are interned once with [`Recorder::source`]; spans refer to them.
//!
//! # Security
//!
//! [`LivePage`] answers only callers on the same host, unless they know a token. It checks `Host`
//! against DNS rebinding, allows no frame, no foreign script and no CORS, and changes nothing.
//!
//! # Features
//!
//! - `axum`: the caller's address from axum's `ConnectInfo`, for a mounted page.
//! - `server`: the page on a port of its own, with hyper on a thread.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod changes;
mod clock;
mod ended;
mod hub;
mod live;
#[cfg(all(test, shuttle))]
mod models;
mod page;
mod query;
mod recorder;
mod response;
mod security;
#[cfg(feature = "server")]
mod server;
mod service;
mod store;
mod sync;
mod tables;

#[cfg(feature = "server")]
pub use self::server::{Listen, ListenError, Server};
pub use self::{
    live::Live,
    recorder::{Recorder, RequestStart},
    response::PageBody,
    service::{ConfigError, LivePage, PeerAddress},
    store::{Arrival, EncodedSpan, EndedSpan, Memory, Source, SpanFacts, SpanId, TraceId},
    tables::{MetricRow, TelemetryRow},
};

#[doc(hidden)] // for fuzzing
pub mod fuzzing {
    /// Parses a path as the page does.
    pub fn path(path: &str) -> bool {
        crate::api::path::Target::parse(path).is_some()
    }

    /// Parses a filter as the page does, and returns how many terms it has.
    pub fn query(query: &str) -> usize {
        crate::query::Query::parse(query).len()
    }

    /// Parses the parameters of a request as the page does.
    pub fn parameters(query: &str) -> bool {
        crate::api::parameters::Parameters::parse(Some(query)).is_empty()
    }
}
