#![no_main]
//! All formats at once, as a default set of everything has them.

use fuzz::propagation::{headers, relay};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Context, trace::TraceContextExt};
use std::sync::{Arc, OnceLock};
use tracewire_propagation::{Propagator, from_names};

fuzz_target!(|data: &[u8]| {
    static ALL: OnceLock<Arc<dyn Propagator>> = OnceLock::new();
    let all = ALL.get_or_init(|| from_names("").expect("no name is asked for").propagator());
    let names = [
        "x-cloud-trace-context",
        "grpc-trace-bin",
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-origin",
        "x-datadog-tags",
        "x-amzn-trace-id",
        "uber-trace-id",
        "uberctx-user",
        "uberctx-a",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "elastic-apm-traceparent",
        "traceparent",
        "tracestate",
        "baggage",
    ];
    let sent = relay(all, &headers(&names, data));
    // A trace that is sent at all is sent by every format, and read again as the same trace.
    let trace_id = |headers| {
        let context = all.extract(headers, &Context::new());
        context.span().span_context().trace_id()
    };
    assert_eq!(sent.contains_key("traceparent"), sent.contains_key("uber-trace-id"));
    if sent.contains_key("traceparent") {
        assert_eq!(trace_id(&sent), trace_id(&relay(all, &sent)));
    }
});
