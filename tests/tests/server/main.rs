//! The contract of the server layer, over real sockets.
//!
//! Every scenario that is generic over [`support::ServerUnderTest`] runs on each server: axum, with
//! the layer inside the router and around it, and plain hyper, over HTTP/1.1 and HTTP/2; and tonic.
//! After each one no request may count as active, and the metrics must agree with the spans:
//! [`support::Running::ended`] sees to it.
#![allow(clippy::unwrap_used)] // a test may

mod abuse;
mod concurrency;
mod departures;
mod failures;
mod hosts;
mod parents;
mod requests;
mod streams;
mod support;
mod tower_http_layers;
