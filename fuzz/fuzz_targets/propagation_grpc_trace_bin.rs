#![no_main]

use fuzz::propagation::headers;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{Context, trace::TraceContextExt};
use tracewire_propagation::{GrpcTraceBin, Propagator};

fuzz_target!(|data: &[u8]| {
    let format = GrpcTraceBin::new();
    let context = format.extract(&headers(&["grpc-trace-bin"], data), &Context::new());
    let mut sent = HeaderMap::new();
    sent.insert("content-type", HeaderValue::from_static("application/grpc"));
    format.inject(&context, &mut sent);
    let again = format.extract(&sent, &Context::new());
    assert_eq!(again.span().span_context(), context.span().span_context());
});
