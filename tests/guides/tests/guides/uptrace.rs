//! docs/uptrace.md
#![allow(dead_code, reason = "it needs a server of the vendor's")]

use tracewire::setup::{Telemetry, Uptrace};

fn start(dsn: &str) -> Result<Telemetry, tracewire::InitError> {
    Telemetry::builder().uptrace(Uptrace::new().dsn(dsn)).init()
}
