//! The server layer, seen through an in-memory exporter.

mod attributes;
mod context;
mod endings;
mod metrics;
mod recorder;
mod routes;
