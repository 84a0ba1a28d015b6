#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::XRay;

fuzz_target!(|data: &[u8]| {
    let names = ["x-amzn-trace-id"];
    relay_twice(&XRay::new(), &names, data);
});
