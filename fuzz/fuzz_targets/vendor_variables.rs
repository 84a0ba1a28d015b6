#![no_main]
//! Variables of vendors are used or warned of, in few and short lines, and what may be a secret is not shown.

use fuzz::variables::{VENDORS, VENDORS_SECRET, chosen, say};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let names = [&VENDORS_SECRET[..], &VENDORS[..]].concat();
    say(chosen(&names, data), &VENDORS_SECRET);
});
