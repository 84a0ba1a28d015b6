#![no_main]
//! Queries without their literals.

use fuzz::sql::{quoted, soup};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    soup(data);
    quoted(data);
});
