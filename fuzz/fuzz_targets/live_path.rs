#![no_main]
//! A path of the live page is a documented one, or none.

use libfuzzer_sys::fuzz_target;
use tracewire_live::fuzzing;

fuzz_target!(|path: &str| {
    if fuzzing::path(path) {
        assert!(path.len() <= 80);
        assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/'));
    }
    fuzzing::parameters(path);
});
