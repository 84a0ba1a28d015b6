#![no_main]

use libfuzzer_sys::fuzz_target;
use tracewire_fuzz::propagation::relay_twice;
use tracewire_propagation::Baggage;

fuzz_target!(|data: &[u8]| {
    let names = ["baggage"];
    relay_twice(&Baggage::new(), &names, data);
});
