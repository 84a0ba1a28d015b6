//! Errors that a span survives, and one that it fails with.

use tracewire::{
    InitError,
    span::{current, span},
};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;

    span("survives").in_scope(|| {
        current().record_error("Error Message");
        current().record_error_with("Error Message", [("status", "failed")]);
    });

    // An `Err` is recorded automatically, and sets the status.
    let _refused = span("fails").in_scope(|| "seven".parse::<u8>());

    telemetry.shutdown();
    Ok(())
}
