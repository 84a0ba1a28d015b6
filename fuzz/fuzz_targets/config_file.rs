#![no_main]
//! Configuration files: any bytes, and secrets in them.

use fuzz::config_file::{any, secrets};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    any(data);
    secrets(data);
});
