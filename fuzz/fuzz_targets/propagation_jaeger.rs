#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::Jaeger;

fuzz_target!(|data: &[u8]| {
    let names = ["uber-trace-id", "uberctx-user", "uberctx-a"];
    relay_twice(&Jaeger::new(), &names, data);
});
