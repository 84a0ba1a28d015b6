//! Spans to show.

#![allow(dead_code, unreachable_pub)] // each test uses some of it

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use prost::Message;
use tower_service::Service;
use tracewire_live::{EncodedSpan, LivePage, PageBody, PeerAddress, Recorder, Source};

pub const START: u64 = 1_780_000_000_000_000_000;
pub const MILLI: u64 = 1_000_000;

pub fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

pub fn source(recorder: &Recorder, service: &str) -> Arc<Source> {
    let resource =
        Resource { attributes: vec![text("service.name", service)], ..Resource::default() };
    recorder.source(&resource.encode_to_vec(), b"")
}

/// A span of the trace `trace`. Span 1 is the root.
pub fn span(trace: u64, span: u64, name: &str, millis: u64) -> Span {
    let parent = if span == 1 { Vec::new() } else { 1_u64.to_be_bytes().to_vec() };
    Span {
        trace_id: [[0xab; 8], trace.to_be_bytes()].concat(),
        span_id: span.to_be_bytes().to_vec(),
        parent_span_id: parent,
        name: name.to_owned(),
        kind: if span == 1 { 2 } else { 3 },
        flags: if span == 1 { 0x300 } else { 0x100 },
        start_time_unix_nano: START + span * MILLI,
        end_time_unix_nano: START + (span + millis) * MILLI,
        attributes: vec![text("key", "value")],
        ..Span::default()
    }
}

pub fn failed(mut span: Span, kind: &str) -> Span {
    span.status = Some(Status { code: 2, ..Status::default() });
    span.attributes.push(text("error.type", kind));
    span
}

pub fn offer(recorder: &Recorder, source: &Arc<Source>, span: &Span) {
    let span = EncodedSpan::new(Arc::clone(source), span.encode_to_vec().into()).unwrap();
    recorder.offer([span]);
}

pub fn id(trace: u64) -> String {
    format!("abababababababab{trace:016x}")
}

pub fn request(target: &str) -> Request<()> {
    let mut request = Request::get(target).header("host", "localhost:4319").body(()).unwrap();
    request.extensions_mut().insert(PeerAddress(([127, 0, 0, 1], 5000).into()));
    request
}

pub async fn send(page: &LivePage, request: Request<()>) -> Response<PageBody> {
    page.clone().call(request).await.unwrap()
}

/// The JSON of an answer, and its status.
pub async fn get(page: &LivePage, target: &str) -> (u16, serde_json::Value) {
    let response = send(page, request(target)).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
