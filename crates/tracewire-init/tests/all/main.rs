//! Telemetry as a program sees it: set up by code, sent to a collector that may fail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod collector;
mod console;
mod export;
mod extras;
mod faults;
#[cfg(feature = "config-file")]
mod file;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "tracing")]
mod orders;
#[cfg(feature = "otlp-json")]
mod otlp_file;
#[cfg(unix)]
mod own;
mod panics;
#[cfg(any(feature = "otlp-grpc", feature = "otlp-json"))]
mod protocols;
mod several;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(any(feature = "tls", feature = "tls-ring"))]
mod tls;
#[cfg(all(feature = "datadog-agent", feature = "elastic-apm", feature = "logs"))]
mod vendors;
