//! The guides in docs/: each piece of Rust on a page stands in a program here, and runs.
#![allow(clippy::unwrap_used)] // a test may
#![allow(clippy::let_and_return, clippy::print_stdout, clippy::print_stderr)] // as the pages show it

mod baggage;
mod client_phases;
mod configuration_file;
mod context;
mod custom_spans;
mod databases;
mod datadog;
mod deploying;
mod elastic;
mod exemplars;
mod getting_started;
mod header_formats;
mod health_checks;
mod live_page;
mod metrics;
mod pages;
mod proxies;
mod readme;
mod resource;
mod sampling;
mod streams;
mod testing;
mod tracing;
mod troubleshooting;
mod uptrace;
mod variables;
