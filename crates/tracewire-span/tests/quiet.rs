//! What spans by hand cost in a process without an SDK.

use allocation_counter::AllocationInfo;
use tracewire_span::{current, span};

/// The cost of the second time: the first one sets up what a thread keeps.
fn cost(work: impl Fn()) -> AllocationInfo {
    work();
    allocation_counter::measure(work)
}

#[test]
fn a_span_that_nobody_records_is_three_small_allocations() {
    // The tracer, the span and the context, each behind a pointer.
    let cost = cost(|| span("nobody").in_scope(|| ()));
    assert!(cost.count_total <= 3 && cost.bytes_total <= 256, "{cost:?}");
    assert_eq!(cost.count_current, 0);
}

#[test]
fn what_is_set_on_a_span_that_nobody_records_allocates_nothing() {
    let cost = cost(|| {
        let span = current();
        span.set_attribute("user.id", 42).set_attribute("user.name", "Ada").add_event("seen");
        span.if_recording(|span| {
            span.set_attribute("digest", "x".repeat(1000));
        });
    });
    assert_eq!(cost.count_total, 0, "{cost:?}");
}
