#![no_main]
//! Rules are read or refused with a place.

use libfuzzer_sys::fuzz_target;
use fuzz::sampling::rules;

fuzz_target!(|text: &str| rules(text));
