#![no_main]
//! The configuration file that says what variables say is one, and decides what they decide.

use fuzz::variables::{PLAIN, chosen, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| print(&chosen(&PLAIN, data)));
