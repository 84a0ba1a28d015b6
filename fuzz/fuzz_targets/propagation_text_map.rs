#![no_main]
//! A map of texts holds what the headers of a message hold. Jaeger's format is not among them: of keys that differ in case
//! alone headers hold one, and a map may hold both.

use fuzz::propagation::text_map;
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};
use tracewire_propagation::{Propagator, from_names};

fuzz_target!(|data: &[u8]| {
    static ALL: OnceLock<Arc<dyn Propagator>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        from_names("tracecontext,baggage,b3,xray").expect("they are known").propagator()
    });
    let names = ["traceparent", "tracestate", "baggage", "b3", "x-amzn-trace-id"];
    text_map(all, &names, data);
});
