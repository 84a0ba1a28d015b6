#![no_main]
//! No secret of the documented kinds comes out of an error message.

use fuzz::text::{Choices, MARK};
use libfuzzer_sys::fuzz_target;
use tracewire_text::{display, redact_message};

fuzz_target!(|data: &[u8]| {
    let Some(choices) = Choices::of(data) else { return };
    redact_message(choices.text, true);
    redact_message(choices.text, false);
    let error = choices.error();
    if error.matches(MARK).count() > 2 {
        return;
    }
    assert!(!redact_message(&error, false).contains(MARK), "{error}");
    for limit in [error.len() / 3, error.len() / 2, error.len() - 1] {
        let cut = display(&error, limit);
        assert!(cut.len() <= limit && !cut.contains(MARK), "{error} at {limit}");
    }
});
