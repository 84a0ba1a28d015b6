//! What the store counts is what it takes.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use support::{failed, offer, source, span, text};
use tracewire_live::{Live, Recorder};

/// Fills a store, and returns it.
fn fill(mib: usize, traces: u64, spans: u64, attribute: usize) -> Recorder {
    let recorder = Live::new().memory_mib(mib).rate(0, 1).build();
    let source = source(&recorder, "shop");
    for trace in 0..traces {
        for n in (1..=spans).rev() {
            let mut span = span(trace, n, &format!("GET /route/{}", trace % 50), trace % 3_000);
            span.attributes.push(text("attribute", &"x".repeat(attribute)));
            let is_failed = trace % 11 == 0 && n == 1;
            let kind = format!("kind {}", trace % 130);
            offer(&recorder, &source, &if is_failed { failed(span, &kind) } else { span });
        }
    }
    recorder
}

#[test]
fn real_memory_is_at_most_a_tenth_above_what_is_counted() {
    for (mib, traces, spans, attribute) in [
        (8, 30_000, 1, 0),
        (8, 3_000, 10, 200),
        (8, 200, 3, 64 * 1024),
        (16, 4, 9_000, 300),
        (16, 500, 2, 20),
    ] {
        let mut kept = None;
        let measured = allocation_counter::measure(|| {
            kept = Some(fill(mib, traces, spans, attribute));
        });
        let recorder = kept.unwrap();
        let (real, counted) = (measured.bytes_current as f64, recorder.used() as f64);
        // Beside the store itself, which is there before any trace.
        let fixed = 64.0 * 1024.0;
        assert!(
            real <= counted * 1.1 + fixed,
            "{real} real, {counted} counted; {traces} x {spans}"
        );
        assert!(counted <= recorder.memory().total as f64, "{counted}");
        drop(recorder);
    }
}
