#![no_main]
//! Wherever redirects lead, nothing secret leaves its origin.

use fuzz::redirects::follow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| follow(data));
