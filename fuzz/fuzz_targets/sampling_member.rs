#![no_main]
//! The `ot` member of any trace state is written as it was read, and no other member changes.

use fuzz::sampling::rewrite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, f64)| rewrite(input.0, input.1));
