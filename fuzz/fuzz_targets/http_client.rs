#![no_main]
//! Whatever is called, a span shows no user information, and its values are of limited length.

use fuzz::http::{Kept, client};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let kept = Kept::default();
    let Some(template) = client(&kept, data) else { return };
    for span in kept.take() {
        // The path of the template, never that of the URL.
        let rest = span.name.strip_prefix("GET").expect("the method is first");
        let path = rest.strip_prefix(' ').unwrap_or_default();
        assert!(path == "/" || template.contains(path), "{} {template}", span.name);
        for attribute in &span.attributes {
            let value = attribute.value.to_string();
            assert!(value.len() <= 4096 + 64, "{} has {} bytes", attribute.key, value.len());
            assert!(!value.contains("M4RKED"), "{}={value}", attribute.key);
        }
    }
});
