//! Models of threads that bring spans and threads that read the page, which shuttle runs in many random
//! orders.
//!
//! No wait ever times out in them, and time passes as on any machine: so a stream that nobody wakes, and two
//! threads that wait for each other's locks, are deadlocks, which shuttle reports.

mod full;
mod page;
mod whole;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use prost::Message;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use std::sync::Arc;

use crate::api::{
    self,
    path::{Api, IdPrefix},
    trace::Missing,
};
use crate::clock::now;
use crate::store::{EncodedSpan, Options, Trace};
use crate::{EndedSpan, Live, Recorder, RequestStart, TraceId};

/// How many orders of each model are tried, unless `MODEL_ORDERS` says otherwise.
fn check(model: fn()) {
    let orders = option_env!("MODEL_ORDERS").map_or(1_500, |orders| orders.parse().unwrap());
    let mut config = Config::new();
    // Encoding and reading of spans take more than the default of 32 KiB in a build without optimization.
    config.stack_size = 512 * 1024;
    Runner::new(RandomScheduler::new(orders), config.clone()).run(model);
    Runner::new(PctScheduler::new(3, orders), config).run(model);
}

fn live(set: impl FnOnce(&mut Options)) -> Recorder {
    let mut live = Live::new();
    set(&mut live.options);
    live.build()
}

fn trace(number: u8) -> TraceId {
    [number; 16]
}

/// A span of a trace: the request's own is number 1, and the others are its children. Those from 50 on failed;
/// those above 100 are requests within it, from elsewhere.
fn span(recorder: &Recorder, trace_number: u8, number: u8) -> EncodedSpan {
    sized(recorder, trace_number, number, 0)
}

/// The same with an attribute of so many bytes.
fn sized(recorder: &Recorder, trace_number: u8, number: u8, bytes: usize) -> EncodedSpan {
    let start = now();
    let value = AnyValue { value: Some(Value::StringValue("x".repeat(bytes))) };
    let attribute = KeyValue { key: "key".to_owned(), value: Some(value), ..KeyValue::default() };
    let span = Span {
        trace_id: trace(trace_number).to_vec(),
        span_id: vec![number; 8],
        parent_span_id: if number == 1 { Vec::new() } else { vec![1; 8] },
        name: "GET /orders".to_owned(),
        kind: if number == 1 || number > 100 { 2 } else { 1 },
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        status: (50..100).contains(&number).then(|| Status { code: 2, ..Status::default() }),
        attributes: if bytes == 0 { Vec::new() } else { vec![attribute] },
        ..Span::default()
    };
    let source = recorder.source(b"", b"");
    EncodedSpan::new(source, Bytes::from(span.encode_to_vec())).unwrap()
}

/// A request that is listed, and has run for so many seconds.
fn begin(recorder: &Recorder, trace_number: u8, number: u8, seconds: u64) {
    let (trace_id, span_id, name) = (trace(trace_number), [number; 8], Arc::from("GET /orders"));
    let start = now() - seconds * 1_000_000_000;
    recorder.request_started(RequestStart { trace_id, span_id, start, name, path: "/orders" });
}

/// A request runs: it is listed, its child ends, it ends, and both spans are brought.
fn request(recorder: &Recorder, number: u8) {
    let (trace_id, span_id) = (trace(number), [1; 8]);
    begin(recorder, number, 1, 0);
    recorder.span_started(trace_id);
    recorder.span_ended(trace_id);
    recorder.offer([span(recorder, number, 2)]);
    recorder.request_ended(trace_id, span_id);
    recorder.offer([span(recorder, number, 1)]);
}

/// Takes a span on the thread that ends it, and brings what is to be kept.
fn end(recorder: &Recorder, trace_number: u8, number: u8) {
    end_span(recorder, &span(recorder, trace_number, number));
}

fn end_span(recorder: &Recorder, span: &EncodedSpan) {
    let kept = recorder.ended(&span.facts(), span.weight(), || Box::new(span.clone()));
    recorder.bring(kept);
}

fn find(recorder: &Recorder, number: u8) -> Result<Arc<Trace>, Missing> {
    let digits = format!("{number:02x}").repeat(4);
    api::trace::find(recorder, IdPrefix::parse(&digits).unwrap())
}

fn read(recorder: &Recorder, api: Api<'_>) {
    assert_eq!(api::answer(recorder, api, None).status(), 200);
}
