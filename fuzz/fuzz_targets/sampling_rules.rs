#![no_main]
//! Rules are read or refused with a place.

use fuzz::sampling::rules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| rules(text));
