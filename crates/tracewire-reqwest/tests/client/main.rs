//! The middleware over real sockets, seen through captured telemetry.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod bodies;
mod clients;
mod endings;
mod errors;
mod hops;
mod metrics;
mod origins;
mod overrides;
mod propagation;
mod redirects;
mod retries;
mod secrets;
mod sizes;
mod spans;
