#![no_main]
//! Whatever instruments and attributes are called, each line of the page is one that Prometheus reads.

use fuzz::prometheus::page;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for accept in ["text/plain", "application/openmetrics-text"] {
        let page = page(&text, accept);
        fuzz::prometheus::reads(&page);
    }
});
