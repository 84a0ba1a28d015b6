//! The span that is current, and a span that is made current later.

use tracewire::{
    InitError,
    span::{current, span},
};

fn do_work() {
    let current_span = current();
    current_span.set_attribute("attribute_key1", 1);
}

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;

    span("operation_name").in_scope(do_work);

    let later = span("started explicitly").start();
    later.in_scope(do_work);
    later.end();

    telemetry.shutdown();
    Ok(())
}
