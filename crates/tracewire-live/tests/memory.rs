//! What the store counts is what it takes.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use support::{failed, offer, source, span, text};
use tracewire_live::{Live, Recorder};

/// Fills a store, and returns it. Spans of a round come trace by trace, so that traces of several rounds
/// grow beside each other. Without their roots they wait.
fn fill(
    mib: usize,
    traces: u64,
    spans: u64,
    attribute: usize,
    rounds: u64,
    roots: bool,
) -> Recorder {
    let recorder = Live::new().memory_mib(mib).rate(0, 1).build();
    let source = source(&recorder, "shop");
    for (round, trace) in (0..rounds).flat_map(|round| (0..traces).map(move |trace| (round, trace)))
    {
        for n in (if roots { 1 } else { 2 }..=spans).rev() {
            let name = format!("GET /route/{}", trace % 50);
            let mut span = span(trace, n, &name, trace % 3_000);
            if n > 1 {
                span.span_id = (round * spans + n).to_be_bytes().to_vec();
            }
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
    for (mib, traces, spans, attribute, rounds, roots) in [
        (8, 30_000, 1, 0, 1, true),
        (8, 3_000, 10, 200, 1, true),
        (8, 200, 3, 64 * 1024, 1, true),
        (16, 4, 9_000, 300, 1, true),
        (16, 500, 2, 20, 1, true),
        (8, 100, 8, 300, 50, true),
        (8, 5_000, 8, 300, 1, false),
    ] {
        let mut kept = None;
        let measured = allocation_counter::measure(|| {
            kept = Some(fill(mib, traces, spans, attribute, rounds, roots));
        });
        let recorder = kept.unwrap();
        let (real, counted) = (measured.bytes_current as f64, recorder.used() as f64);
        // Beside the store itself, which is there before any trace.
        let fixed = 64.0 * 1024.0;
        assert!(
            real <= counted * 1.1 + fixed,
            "{real} real, {counted} counted; {traces} x {spans} x {rounds}"
        );
        assert!(counted <= recorder.memory().total as f64, "{counted}");
        drop(recorder);
    }
}
