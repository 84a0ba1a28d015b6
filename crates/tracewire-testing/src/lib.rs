//! Captured OpenTelemetry telemetry for tests: spans, metrics and logs, without globals.
//!
//! ```
//! use tracewire_span::span;
//! use tracewire_testing::Capture;
//!
//! let capture = Capture::new();
//! capture.in_scope(|| {
//!     span("checkout").attribute("cart.items", 3).in_scope(|| span("charge").in_scope(|| ()));
//! });
//! capture.spans().assert_snapshot("
//!     checkout
//!     | cart.items = 3
//!       charge
//! ");
//! ```
//!
//! Every [`Capture`] has providers of its own, so tests run side by side. Give them to the layers
//! under test, and run the test inside [`Capture::run`] or [`Capture::in_scope`]: then custom
//! spans arrive as well.
//!
//! * [`Capture::spans`] is what has ended; [`Capture::finished`] waits until all that started has
//!   ended, with a deadline and without sleeping.
//! * [`Spans::assert_tree`] compares names, kinds and statuses, [`Spans::assert_snapshot`] everything,
//!   written without ids and times. A failure prints the whole tree.
//! * [`Spans::one`] finds a span, with assertions of its own.
//! * [`Capture::metrics`] and [`Capture::logs`] do the same for the other signals.
#![cfg_attr(
    feature = "collector",
    doc = "* [`Collector`] is a fake OTLP collector on a free loopback port, for tests of exporters."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod assertions;
mod capture;
#[cfg(feature = "collector")]
mod collector;
#[cfg(feature = "collector")]
mod decode;
mod logs;
mod metrics;
#[cfg(feature = "collector")]
mod signal;
mod span;
mod spans;
mod store;
mod text;
mod tree;
mod value;
mod wait;

pub use capture::Capture;
#[cfg(feature = "collector")]
pub use collector::{Answer, Collector, Received};
pub use logs::{Log, Logs};
pub use metrics::{Metric, MetricKind, Metrics, Point};
#[cfg(feature = "collector")]
pub(crate) use signal::Signal;
pub use span::{Event, Link, Span};
pub use spans::Spans;
pub use wait::Wait;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
