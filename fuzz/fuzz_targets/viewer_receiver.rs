#![no_main]
//! Whatever is sent to the viewer is taken or refused, and its memory stays within the limit.

use libfuzzer_sys::fuzz_target;
use tracewire_viewer::fuzzing::receive;

fuzz_target!(|bodies: Vec<(u8, Vec<u8>)>| {
    let (statuses, is_within) = receive(bodies.iter().map(|(choice, body)| (*choice, &**body)));
    assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
    assert!(is_within, "more memory than allowed");
});
