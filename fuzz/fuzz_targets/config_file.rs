#![no_main]
//! Configuration files: any bytes, and secrets in them.

use libfuzzer_sys::fuzz_target;
use fuzz::config_file::{any, secrets};

fuzz_target!(|data: &[u8]| {
    any(data);
    secrets(data);
});
