#![no_main]
//! Whoever asks the live page without the right gets nothing, whatever the request says.

use fuzz::live::ask;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ask(data));
