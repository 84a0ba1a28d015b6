#![no_main]
//! No secret that a key marks comes out of a URL, and nothing that was not in it.

use fuzz::text::{Choices, MARK};
use libfuzzer_sys::fuzz_target;
use tracewire_text::SensitiveKeys;

fuzz_target!(|data: &[u8]| {
    let Some(choices) = Choices::of(data) else { return };
    let keys = SensitiveKeys::default();
    let text = choices.text;
    for redact in
        [SensitiveKeys::redact_url, SensitiveKeys::redact_query, SensitiveKeys::redact_path]
    {
        let mut rest = text;
        // Between a name and a password stands a colon that may have been encoded.
        for part in redact(&keys, text).replace("REDACTED:REDACTED", "REDACTED").split("REDACTED") {
            let place = rest.find(part).expect("it was there");
            rest = &rest[place + part.len()..];
        }
    }
    if text.contains(MARK) {
        return;
    }
    let query = choices.query();
    assert!(!keys.redact_query(&query).contains(MARK), "{query}");
    let url = format!("https://ada:{MARK}@h.example/a?{query}");
    assert!(!keys.redact_url(&url).contains(MARK), "{url}");
    for limit in [url.len() / 3, url.len() / 2, url.len() - 1] {
        let cut = keys.limited_url(&url, limit);
        assert!(cut.len() <= limit && !cut.contains(MARK), "{url} at {limit}");
    }
});
