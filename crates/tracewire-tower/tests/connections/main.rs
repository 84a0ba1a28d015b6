//! What connections of hyper-util's client cost calls, over real sockets. The clock moves by what a
//! test injects, so that each phase has exactly what belongs to it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

mod failures;
mod open;
mod phases;
mod support;
mod waiting;
