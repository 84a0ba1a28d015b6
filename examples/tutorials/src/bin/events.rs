//! Events of a span.

use tracewire::{
    InitError,
    span::{Event, current, span},
};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;

    span("operation").in_scope(|| {
        let span = current();
        span.add_event(Event::new("checkpoint").attribute("detail", "info"));
        span.add_event("Event With No Attributes");
        span.add_event(
            Event::new("Event With Some Attributes")
                .attribute("int_val", 1)
                .attribute("string_val", "two")
                .attribute("int_array", [3, 4])
                .attribute("string_array", ["5", "6"])
                .attribute("bool_array", [true, false]),
        );
    });

    telemetry.shutdown();
    Ok(())
}
