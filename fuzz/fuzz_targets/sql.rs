#![no_main]
//! Queries without their literals.

use libfuzzer_sys::fuzz_target;
use tracewire_fuzz::sql::{quoted, soup};

fuzz_target!(|data: &[u8]| {
    soup(data);
    quoted(data);
});
