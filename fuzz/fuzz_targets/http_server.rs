#![no_main]
//! Whatever a client sends, its request has one span with a name of few and values of limited length.

use fuzz::http::{Kept, server};
use libfuzzer_sys::fuzz_target;

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
            let value = attribute.value.to_string();
            assert!(value.len() <= 4096 + 64, "{} has {} bytes", attribute.key, value.len());
        }
        assert!(span.attributes.len() <= 128);
    }
});
