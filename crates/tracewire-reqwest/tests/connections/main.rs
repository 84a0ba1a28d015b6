//! What connections cost calls, over real sockets. The clock moves by what a test injects, so that
//! each phase has exactly what belongs to it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod attribution;
mod background;
mod failures;
mod metrics;
mod phases;
mod support;
