#![no_main]
//! Lists that requests of one thread share are what each request would have read alone.

use fuzz::propagation::shared;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| shared(data));
