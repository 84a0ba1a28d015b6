#![no_main]
//! No secret of the documented kinds comes out of an error message.

use libfuzzer_sys::fuzz_target;
use tracewire_fuzz::text::{Choices, MARK};
use tracewire_text::{display, redact_message};

fuzz_target!(|data: &[u8]| {
    let Some(choices) = Choices::of(data) else { return };
    redact_message(choices.text, true);
    redact_message(choices.text, false);
    if choices.text.contains(MARK) {
        return;
    }
    let error = choices.error();
    assert!(!redact_message(&error, false).contains(MARK), "{error}");
    for limit in [error.len() / 3, error.len() / 2, error.len() - 1] {
        let cut = display(&error, limit);
        assert!(cut.len() <= limit && !cut.contains(MARK), "{error} at {limit}");
    }
});
