#![no_main]
//! Whatever a client sends, its request has one span with a name of few and values of limited length.

use fuzz::http::{Kept, server};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Array, Value};

fuzz_target!(|data: &[u8]| {
    let kept = Kept::default();
    server(&kept, data);
    let spans = kept.take();
    assert!(spans.len() <= 1);
    for span in spans {
        assert!(
            ["GET", "POST", "HTTP", "grpc", "shop.Cart/Add", "_OTHER"].contains(&&*span.name),
            "{}",
            span.name
        );
        for attribute in &span.attributes {
            let length = match &attribute.value {
                Value::Array(Array::String(lines)) => {
                    lines.iter().map(|line| line.as_str().len()).sum()
                }
                other => other.to_string().len(),
            };
            assert!(length <= 4096 + 64, "{} has {length} bytes", attribute.key);
        }
        let captured = |side: &str| {
            let is_captured = |key: &str| key.starts_with(&format!("http.{side}.header."));
            span.attributes.iter().filter(|attribute| is_captured(attribute.key.as_str())).count()
        };
        assert!(captured("request") <= 32 && captured("response") <= 32);
        assert!(span.attributes.len() <= 128);
    }
});
