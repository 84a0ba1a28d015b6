#![no_main]

use fuzz::propagation::relay_twice;
use libfuzzer_sys::fuzz_target;
use tracewire_propagation::Baggage;

fuzz_target!(|data: &[u8]| {
    let names = ["baggage"];
    relay_twice(&Baggage::new(), &names, data);
});
