#![no_main]
//! The `ot` member of any trace state is written as it was read, and no other member changes.

use libfuzzer_sys::fuzz_target;
use fuzz::sampling::rewrite;

fuzz_target!(|input: (&str, f64)| rewrite(input.0, input.1));
