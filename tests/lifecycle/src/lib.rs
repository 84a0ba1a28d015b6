//! Random HTTP requests, from a traced client to a traced server, and a model of them.
//!
//! A [`Scenario`] is a few requests that are under way together, over HTTP/1.1 or HTTP/2, some of them calls
//! over gRPC: what their callers send, what the service makes of each attempt, and where a body gets stuck so
//! that its caller leaves, a destructor panics, an upload fails, or a connection that all share is lost.
//! [`run`] plays one on hyper's own client and server over pipes in memory, on a clock that stands still while
//! there is anything to do, so that every run of a scenario is the same. [`observed`](Run::facts) says what
//! was recorded, in one line a fact, and [`model::facts`] says what must have been, from the scenario alone.
//! The two must be equal: each span with its name, status, error and parent, each duration, the sizes of
//! bodies, the gauges back at zero, and the headers that were sent.
//!
//! What hyper does with a body is part of the model, where it decides what the layers get to see.
#![allow(clippy::unwrap_used, missing_docs, missing_debug_implementations)] // tests, named as claims

mod body;
mod caller;
mod middleware;
pub mod model;
mod observe;
pub mod plan;
mod run;
mod service;
mod strategy;
mod wire;

pub use self::{
    plan::{
        Around, Content, Destructor, End, Failure, GrpcStatus, Length, Method, Parent, Protocol,
        Request, Response, Say, Scenario, Target, Then, Wiring, Work,
    },
    run::{Run, run},
    strategy::scenarios,
};

/// Plays a scenario, and compares what was recorded with what must have been.
///
/// # Errors
///
/// If they differ: both, as text.
pub fn check(scenario: &Scenario) -> Result<(), String> {
    let (expected, seen) = (model::facts(scenario), run(scenario).facts(scenario));
    if expected == seen {
        return Ok(());
    }
    let only = |of: &[String], other: &[String], mark: &str| {
        let lines = of.iter().filter(|fact| !other.contains(fact));
        lines.map(|fact| format!("{mark} {fact}\n")).collect::<String>()
    };
    let (missing, extra) = (only(&expected, &seen, "expected"), only(&seen, &expected, "recorded"));
    Err(format!("\n{missing}{extra}"))
}
