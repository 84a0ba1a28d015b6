//! A served page, and spans for it.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{Span, Status},
};
use prost::Message;
use std::{sync::Arc, time::UNIX_EPOCH};
use tracewire_live::{EncodedSpan, Listen, Live, Recorder, Server, Source};

pub(crate) const MILLI: u64 = 1_000_000;

/// A page on a free port, until it is dropped.
#[derive(Debug)]
pub struct Demo {
    /// What the page reads from.
    pub recorder: Recorder,
    /// Where the spans come from.
    pub source: Arc<Source>,
    server: Server,
}

impl Demo {
    /// Serves an empty page on a free port.
    pub fn start() -> Self {
        Self::start_at("0", "shop")
    }

    /// Serves an empty page of a service on a port.
    pub fn start_at(port: &str, service: &str) -> Self {
        let recorder = Live::new().service(service, "1.4.0").build();
        let attributes = vec![text("service.name", service)];
        let resource = Resource { attributes, ..Resource::default() };
        let source = recorder.source(&resource.encode_to_vec(), b"");
        let listen = Listen::parse(port).ok().flatten().expect("the port is a number");
        let server = Server::start(recorder.own_page(), &listen).expect("a port is free");
        Self { recorder, source, server }
    }

    /// Returns the address of a view.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// Returns the port.
    pub fn port(&self) -> String {
        self.server.address().port().to_string()
    }

    /// Offers a span.
    pub fn offer(&self, span: &Span) {
        let source = Arc::clone(&self.source);
        let span = EncodedSpan::new(source, span.encode_to_vec().into()).expect("it is a span");
        self.recorder.offer([span]);
    }

    /// Offers a trace of a root and steps below it, the third of which fails.
    pub fn trace(&self, trace: u64, name: &str, spans: u64) {
        for n in (1..=spans).rev() {
            let name = if n == 1 { name.to_owned() } else { format!("step {n}") };
            let mut span = span(trace, n, &name);
            span.attributes.push(text("item", &format!("number {n}")));
            self.offer(&if n == 3 { failed(span, "timeout") } else { span });
        }
    }
}

/// Makes an attribute.
pub fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// Makes a span that began a moment ago. Span 1 is the root, each other one lies within the one before
/// its half.
pub fn span(trace: u64, span: u64, name: &str) -> Span {
    let now = UNIX_EPOCH.elapsed().expect("it is after 1970").as_nanos() as u64;
    let start = now - 1_000 * MILLI + (span % 500) * MILLI;
    Span {
        trace_id: [[0xab; 8], trace.to_be_bytes()].concat(),
        span_id: span.to_be_bytes().to_vec(),
        parent_span_id: if span == 1 { Vec::new() } else { (span / 2).to_be_bytes().to_vec() },
        name: name.to_owned(),
        kind: if span == 1 { 2 } else { 3 },
        flags: 0x100,
        start_time_unix_nano: start,
        end_time_unix_nano: start + if span == 1 { 900 } else { 100 } * MILLI,
        ..Span::default()
    }
}

/// Makes a span fail.
pub fn failed(mut span: Span, kind: &str) -> Span {
    span.status = Some(Status { code: 2, message: "it took too long".to_owned() });
    span.attributes.push(text("error.type", kind));
    span
}

/// Returns the id of a trace as text.
pub fn id(trace: u64) -> String {
    format!("abababababababab{trace:016x}")
}
