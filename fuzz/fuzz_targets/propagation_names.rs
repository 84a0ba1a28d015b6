#![no_main]

use libfuzzer_sys::fuzz_target;
use tracewire_propagation::from_names;

fuzz_target!(|names: &str| {
    if let Ok(selection) = from_names(names) {
        for name in selection.names() {
            assert_eq!(from_names(name).expect("it was known before").names(), [name.as_str()]);
        }
    }
});
