#![no_main]
//! What is printed moves no cursor and hides nothing, and says all that was there.

use libfuzzer_sys::fuzz_target;
use tracewire_text::{is_unsafe, printable, shortened};

fuzz_target!(|text: &str| {
    let shown = printable(text);
    assert!(!shown.chars().any(is_unsafe));
    assert_eq!(text.chars().any(is_unsafe), shown != text);
    assert_eq!(printable(&shown), shown);
    assert!(!shortened(text, text.len() / 2).chars().any(is_unsafe));
});
