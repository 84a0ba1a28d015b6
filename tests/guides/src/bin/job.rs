//! A job of docs/deploying.md.

use std::error::Error;
use tracewire::span::span;

fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracewire::init()?;
    let result = span("nightly report").in_scope(write_report);
    telemetry.shutdown(); // before the process ends, even if the job has failed
    result
}

fn write_report() -> Result<(), Box<dyn Error>> {
    span("load orders").in_scope(|| { /* the work */ });
    Ok(())
}
