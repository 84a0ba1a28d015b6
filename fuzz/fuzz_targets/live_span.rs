#![no_main]
//! Whatever a sender calls a span is refused or kept, within the memory.

use libfuzzer_sys::fuzz_target;
use tracewire_live::{EncodedSpan, Live};

fuzz_target!(|spans: Vec<Vec<u8>>| {
    let recorder = Live::new().memory_mib(4).build();
    for bytes in spans {
        let source = recorder.source(&bytes, &bytes);
        if let Ok(span) = EncodedSpan::new(source, bytes.into()) {
            recorder.offer([span]);
        }
    }
    assert!(recorder.used() <= recorder.memory().total);
});
