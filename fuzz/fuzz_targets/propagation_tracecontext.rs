#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::TraceContext;

fuzz_target!(|data: &[u8]| {
    let names = ["traceparent", "tracestate"];
    relay_twice(&TraceContext::new(), &names, data);
});
