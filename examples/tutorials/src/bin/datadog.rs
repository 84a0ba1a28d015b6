//! Spans to the Datadog Agent.
#![allow(clippy::print_stdout)] // a program that talks to a person

use tracewire::{InitError, span::span};

fn do_work() {
    span("operation_name").in_scope(|| println!("Doing work..."));
}

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?; // DD_AGENT_HOST, DD_SERVICE, DD_ENV …
    do_work();
    telemetry.shutdown();
    Ok(())
}
