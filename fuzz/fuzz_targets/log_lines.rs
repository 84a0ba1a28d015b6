#![no_main]
//! Whatever a log line says, it keeps saying it, with the ids of its trace once, and stays JSON.

use fuzz::log_lines::{json, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str)| {
    json(data.0, data.1);
    text(data.0, data.1);
});
