//! The server layer, seen through captured telemetry.
#![allow(clippy::unwrap_used)] // a test may

mod attributes;
mod context;
mod endings;
mod exemplars;
mod grpc;
mod handle;
mod hooks;
mod inner_drops;
mod metrics;
mod recorded;
#[cfg(feature = "tower-http")]
mod request_span;
mod routes;
mod streams;
