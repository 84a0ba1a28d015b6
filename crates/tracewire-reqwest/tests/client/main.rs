//! The middleware over real sockets, seen through in-memory exporters.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod errors;
mod metrics;
mod overrides;
mod propagation;
mod recorder;
mod redirects;
mod retries;
mod secrets;
mod server;
mod spans;
