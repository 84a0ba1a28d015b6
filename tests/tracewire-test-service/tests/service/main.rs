//! The service as a conformance suite meets it: a process, sockets, variables.
#![allow(clippy::unwrap_used)] // a test may

mod calls;
mod exclusions;
mod headers;
mod lifecycle;
mod process;
mod routes;
#[cfg(target_os = "linux")]
mod streams;
