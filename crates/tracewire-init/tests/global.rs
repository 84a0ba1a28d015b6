//! What `init` makes global. A process has one of it, so this is one test in a binary of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::sync::Arc;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use std::collections::HashMap;
use tracewire_init::{Batching, Builder, Metrics, Telemetry, Traces};
use tracewire_propagation::{TextMap, TraceContext, default_propagator};

fn builder() -> Builder {
    Telemetry::builder()
        .traces(Traces::new().exporters([]))
        .metrics(Metrics::new().exporters([]))
        .propagator(Arc::new(TraceContext::new()))
}

#[test]
fn init_sets_globals_once_and_again_after_shutdown() {
    // A failed init changes nothing, and is no obstacle to the next.
    let failed =
        builder().traces(Traces::new().batching(Batching::new().queue_size(0))).init().unwrap_err();
    assert!(failed.is_configuration());
    assert_eq!(
        failed.to_string(),
        "Batching::queue_size=\"0\": it must be at least 1, or nothing is ever exported"
    );
    assert!(!global::tracer("test").start("span").span_context_is_valid());

    let telemetry = builder().init().unwrap();
    let second = builder().init().unwrap_err();
    assert!(second.is_already_initialized());
    assert!(second.to_string().starts_with("telemetry is already initialized in this process"));

    let span = global::tracer("test").start("span");
    let context = Context::new().with_span(span);
    let mut by_global = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut by_global);
    });
    let mut by_default = HashMap::new();
    TextMap::new(default_propagator()).inject_context(&context, &mut by_default);
    assert_eq!(by_global.keys().collect::<Vec<_>>(), ["traceparent"]);
    assert_eq!(by_global, by_default);

    drop(telemetry);
    let again = builder().init().unwrap();
    assert_eq!(again.shutdown().to_string(), "nothing to export");
}

/// Whether a span has ids.
trait Valid {
    fn span_context_is_valid(&self) -> bool;
}

impl<S: opentelemetry::trace::Span> Valid for S {
    fn span_context_is_valid(&self) -> bool {
        self.span_context().is_valid()
    }
}
