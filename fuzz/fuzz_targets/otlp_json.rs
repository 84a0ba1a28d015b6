#![no_main]
//! Metrics and log records of any content are JSON that reads, and none is missing.

use fuzz::otlp_json::{logs, metrics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    metrics(data);
    logs(data);
});
