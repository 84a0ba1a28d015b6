//! The status of a span, set explicitly.

use tracewire::{
    InitError,
    span::{Status, current, span},
};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;

    span("operation").in_scope(|| {
        if let Err(error) = "seven".parse::<u8>() {
            current().set_status(Status::error(error.to_string()));
        }
    });

    telemetry.shutdown();
    Ok(())
}
