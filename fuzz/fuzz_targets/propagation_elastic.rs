#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::Elastic;

fuzz_target!(|data: &[u8]| {
    let names = ["elastic-apm-traceparent", "traceparent", "tracestate"];
    relay_twice(&Elastic::new(), &names, data);
});
