#![no_main]
//! Whatever files of the system hold, detectors take short and printable facts from them, and the right ones.

use fuzz::detectors::files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| files(data));
