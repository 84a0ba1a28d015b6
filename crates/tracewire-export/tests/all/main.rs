//! The exporters in an SDK set-up of the user's own.
#![allow(clippy::unwrap_used)] // a test may
#![cfg(all(feature = "logs", feature = "prometheus"))]

mod clients;
mod environment;
mod exemplars;
mod own_sdk;
mod prometheus;
mod self_metrics;
mod sharing;
