#![no_main]
//! Our encoding of a span reads as what OpenTelemetry's own messages hold.

use fuzz::spans::spans;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewire_export::wiring::encode_span;

fuzz_target!(|data: &[u8]| {
    for span in spans(data) {
        let mut bytes = Vec::new();
        encode_span(&span, &mut bytes);
        let read = Span::decode(&*bytes).expect("it is a message");
        let attributes = |pairs: &[opentelemetry_proto::tonic::common::v1::KeyValue]| {
            pairs
                .iter()
                .map(|pair| (pair.key.clone(), format!("{:?}", pair.value)))
                .collect::<Vec<_>>()
        };
        let expected = Span::from(span);
        assert_eq!(read.name, expected.name);
        assert_eq!((&read.trace_id, &read.span_id), (&expected.trace_id, &expected.span_id));
        assert_eq!(read.trace_state, expected.trace_state);
        assert_eq!(attributes(&read.attributes), attributes(&expected.attributes));
        assert_eq!(
            (read.events.len(), read.links.len()),
            (expected.events.len(), expected.links.len())
        );
        assert_eq!(read.status.map(|s| s.message), expected.status.map(|s| s.message));
    }
});
