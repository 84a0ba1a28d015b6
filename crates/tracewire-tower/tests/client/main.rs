//! The client layer over real sockets, seen through captured telemetry.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod clients;
mod endings;
mod grpc;
mod layer;
mod retries;
