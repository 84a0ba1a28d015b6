#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::GoogleCloud;

fuzz_target!(|data: &[u8]| {
    let names = ["x-cloud-trace-context"];
    relay_twice(&GoogleCloud::new(), &names, data);
});
