#![no_main]
//! Every text is a filter with a bounded number of terms.

use libfuzzer_sys::fuzz_target;
use tracewire_live::fuzzing;

fuzz_target!(|query: &str| assert!(fuzzing::query(query) <= 16));
