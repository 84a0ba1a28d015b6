//! The server layer, seen through an in-memory exporter.
#![allow(clippy::unwrap_used)] // a test may

mod attributes;
mod context;
mod endings;
mod handle;
mod hooks;
mod metrics;
mod recorder;
mod routes;
mod trust;
