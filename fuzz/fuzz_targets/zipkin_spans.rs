#![no_main]
//! Spans of any content are Zipkin's JSON, and none of them is missing.

use fuzz::spans::spans;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tracewire_export::fuzzing::zipkin_bodies;

fuzz_target!(|data: &[u8]| {
    let spans = spans(data);
    let service = spans.first().map_or("", |span| &span.name);
    let mut written = 0;
    for body in zipkin_bodies(&spans, service) {
        assert!(body.len() <= 1 << 20 || spans.len() == 1);
        let Value::Array(items) = serde_json::from_slice(&body).expect("it is JSON") else {
            panic!("it is no list");
        };
        for item in items {
            let span = &spans[written];
            written += 1;
            assert_eq!(item["name"], *span.name);
            assert_eq!(item["id"], span.span_context.span_id().to_string());
            assert_eq!(item["localEndpoint"]["serviceName"], *service);
            let tags = item["tags"].as_object().expect("it has tags");
            assert!(tags.values().all(Value::is_string), "{tags:?}");
            for attribute in &span.attributes {
                assert!(tags.contains_key(attribute.key.as_str()), "{attribute:?}");
            }
            assert!(item["duration"].as_u64().is_some_and(|duration| duration > 0));
            let annotations = item["annotations"].as_array().map_or(0, Vec::len);
            assert_eq!(annotations, span.events.len());
        }
    }
    assert_eq!(written, spans.len());
});
