#![no_main]
//! Whatever instruments and attributes are called, each line of the page is one that Prometheus reads.

use fuzz::prometheus::page;
use libfuzzer_sys::fuzz_target;

// The last line is what a scraper accepts besides.
fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let last = text.lines().next_back().filter(|line| http::HeaderValue::from_str(line).is_ok());
    for accept in ["text/plain", "application/openmetrics-text", last.unwrap_or_default()] {
        let page = page(&text, accept);
        fuzz::prometheus::reads(&page);
    }
});
