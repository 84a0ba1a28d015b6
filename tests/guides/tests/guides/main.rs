//! The guides in docs/: each piece of Rust on a page stands in a program here, and runs.
#![allow(clippy::unwrap_used)] // a test may

mod baggage;
mod client_phases;
mod context;
mod custom_spans;
mod deploying;
mod getting_started;
mod header_formats;
mod metrics;
mod pages;
mod proxies;
mod testing;
mod variables;
