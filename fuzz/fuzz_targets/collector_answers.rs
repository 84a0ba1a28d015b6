#![no_main]
//! Whatever a collector answers is read, within bounds, and what is said of it is harmless.

use fuzz::collector::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| answer(data));
