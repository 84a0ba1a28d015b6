#![no_main]
//! Whatever spans are called and carry, the console prints lines that move no cursor, and JSON that reads.

use fuzz::spans::spans;
use libfuzzer_sys::fuzz_target;
use opentelemetry_sdk::Resource;
use tracewire_export::fuzzing::{json, tree};
use tracewire_text::is_unsafe;

fuzz_target!(|data: &[u8]| {
    let spans = spans(data);
    let service = spans.first().map_or("", |span| &span.name);
    let shown = tree(&spans, service);
    assert!(!shown.lines().any(|line| line.chars().any(is_unsafe)), "{shown:?}");
    // A header, an empty line, and for each span itself, its events and its links.
    assert!(shown.lines().count() <= 2 + spans.len() * 20, "{shown}");
    let resource = Resource::builder_empty().with_service_name(service.to_owned()).build();
    for span in &spans {
        let line = json(span, &resource);
        assert!(!line.trim_end_matches('\n').chars().any(is_unsafe), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(read["name"], *span.name);
    }
});
