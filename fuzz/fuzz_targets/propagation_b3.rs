#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::B3;

fuzz_target!(|data: &[u8]| {
    let names = ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];
    relay_twice(&B3::single(), &names, data);
    relay_twice(&B3::multi(), &names, data);
});
