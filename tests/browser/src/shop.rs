//! A shop's page as it looks after a while: three services, fast and slow routes, errors, tables.

use crate::traces::{Demo, MILLI, id, text};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
use prost::Message;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tracewire_live::{EncodedSpan, MetricRow, RequestStart, Source, TelemetryRow};

/// Routes with the microseconds of a usual request, and its status.
const ROUTES: [(&str, u64, i64); 6] = [
    ("GET /orders/{id}", 14_200, 200),
    ("POST /orders", 212_000, 201),
    ("GET /items", 2_900, 200),
    ("GET /items/{item}/reviews/{year}/with/a/rather/long/route", 41_000, 200),
    ("GET /health", 310, 200),
    ("GET /report", 1_640_000, 200),
];
const TRACES: u64 = 80;
/// SERVER, CLIENT and INTERNAL of OTLP.
const KINDS: [i32; 3] = [2, 3, 1];

impl Demo {
    /// Fills the page. Returns the id of a trace that failed, and of its span that did.
    pub fn fill(&self) -> (String, String) {
        let sources = ["shop", "stock", "pay"].map(|name| self.source_of(name));
        for trace in 1..=TRACES {
            self.visit(trace, &sources);
        }
        let failed = TRACES - TRACES % 11;
        self.begin(900, "GET /report", "/report?year=2026", 42_100);
        self.begin(901, "POST /orders", "/orders", 310);
        self.begin(902, "GET /items", "/items", 3);
        self.recorder.span_started(trace_id(900));
        self.set_tables();
        (id(failed), format!("{:016x}", failed * 100 + 3))
    }

    /// Makes the source of another service's spans.
    pub fn source_of(&self, service: &str) -> Arc<Source> {
        let attributes = vec![text("service.name", service), text("service.version", "1.4.0")];
        self.recorder.source(&Resource { attributes, ..Resource::default() }.encode_to_vec(), b"")
    }

    /// One request: what the shop does, and what it asks of the others.
    fn visit(&self, trace: u64, sources: &[Arc<Source>; 3]) {
        let (route, usual, status) = ROUTES[(trace * 7 % 13 % 6) as usize];
        let is_failed = trace.is_multiple_of(11);
        let took = usual * 1_000 * (6 + trace * 5 % 9) / 8;
        let begun = now() - (TRACES - trace) * 731 * MILLI - took;
        let part = |per_mille: u64| took * per_mille / 1_000;
        // Source, kind, parent, name, start and duration in thousandths of the request.
        let steps: [(usize, usize, u64, &str, u64, u64); 7] = [
            (0, 0, 0, route, 0, 1_000),
            (0, 2, 1, "price the order", 20, 900),
            (0, 1, 2, "GET", 60, 410),
            (1, 0, 3, "GET /stock/{item}", 90, 350),
            (1, 1, 4, "SELECT stock.levels", 130, 240),
            (0, 1, 2, "POST", 500, 380),
            (2, 0, 6, "POST /charges", 530, 320),
        ];
        let count = if usual < 1_000 { 1 } else { steps.len() };
        for (place, (source, kind, parent, name, start, long)) in
            steps.into_iter().enumerate().take(count).rev()
        {
            let number = place as u64 + 1;
            let fails = is_failed && matches!(number, 1 | 3 | 4);
            let mut span = Span {
                trace_id: trace_id(trace).to_vec(),
                span_id: (trace * 100 + number).to_be_bytes().to_vec(),
                name: name.to_owned(),
                kind: KINDS[kind],
                flags: if kind == 0 { 0x300 } else { 0x100 },
                start_time_unix_nano: begun + part(start),
                end_time_unix_nano: begun + part(start + long),
                ..Span::default()
            };
            if parent > 0 {
                span.parent_span_id = (trace * 100 + parent).to_be_bytes().to_vec();
            }
            match kind {
                0 => {
                    span.attributes =
                        vec![text("http.request.method", "GET"), text("url.path", "/orders/13")]
                }
                1 => {
                    span.attributes = vec![
                        text("http.request.method", name),
                        text("server.address", "stock.local"),
                        text("url.full", "http://stock.local/stock/13?fields=level,price"),
                    ];
                }
                _ => span.attributes = vec![text("order.id", "13"), text("order.currency", "EUR")],
            }
            if kind != 2 {
                let status = if fails { 502 } else { status };
                span.attributes.push(whole("http.response.status_code", status));
            }
            if fails {
                fail(&mut span, begun + part(start + long / 2));
                let log = LogRecord {
                    time_unix_nano: begun + part(start + long),
                    severity_text: "WARN".to_owned(),
                    body: Some(string("the stock service did not answer, giving up")),
                    trace_id: span.trace_id.clone(),
                    span_id: span.span_id.clone(),
                    ..LogRecord::default()
                };
                self.recorder.offer_log(trace_id(trace), &sources[source], |into| {
                    into.extend(log.encode_to_vec());
                });
            }
            let source = Arc::clone(&sources[source]);
            let span = EncodedSpan::new(source, span.encode_to_vec().into()).expect("it is a span");
            self.recorder.offer([span]);
        }
    }

    fn begin(&self, trace: u64, name: &str, path: &str, millis: u64) {
        self.recorder.request_started(RequestStart {
            trace_id: trace_id(trace),
            span_id: trace.to_be_bytes(),
            start: now() - millis * MILLI,
            name: name.into(),
            path,
        });
    }

    fn set_tables(&self) {
        self.recorder.set_telemetry(|| {
            let row =
                |signal: &str, exporter: &str, exported, lost, error: Option<&str>| TelemetryRow {
                    signal: signal.to_owned(),
                    exporter: exporter.to_owned(),
                    exported,
                    failed: lost,
                    dropped: lost / 4,
                    waiting: exported % 7,
                    last_error: error.map(str::to_owned),
                    last_error_at: error.map(|_| now() / MILLI),
                };
            let refused = "http://localhost:4318/v1/logs: connection refused (os error 111)";
            vec![
                row("spans", "otlp", 48_211, 0, None),
                row("spans", "console", 48_216, 0, None),
                row("data points", "otlp", 1_960, 0, None),
                row("log records", "otlp", 3_020, 512, Some(refused)),
            ]
        });
        self.recorder.set_metrics(|| {
            let seconds = now() / (1_000 * MILLI);
            let row =
                |name: &str, unit: &str, kind: &str, labels: &[(&str, &str)], value, count| {
                    MetricRow {
                        name: name.to_owned(),
                        unit: unit.to_owned(),
                        kind: kind.to_owned(),
                        attributes: labels
                            .iter()
                            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                            .collect(),
                        value,
                        count,
                    }
                };
            let wave = |n: u64| ((seconds + n) % 17) as f64;
            let duration = "http.server.request.duration";
            let route =
                |n: usize| [("http.route", ROUTES[n].0), ("http.response.status_code", "200")];
            vec![
                row(duration, "s", "histogram", &route(0), wave(0) / 900.0, Some(9_120)),
                row(duration, "s", "histogram", &route(1), wave(5) / 70.0, Some(310)),
                row(duration, "s", "histogram", &route(3), wave(9) / 300.0, Some(1_044)),
                row("http.server.active_requests", "{request}", "updowncounter", &[], 3.0, None),
                row("process.memory.usage", "By", "gauge", &[], 18.0e6 + wave(2) * 1e5, None),
                row("orders.sold", "{order}", "counter", &[("currency", "EUR")], 310.0, None),
            ]
        });
    }
}

fn fail(span: &mut Span, time: u64) {
    let message = "connection reset by peer".to_owned();
    span.status = Some(Status { code: 2, message });
    span.attributes.push(text("error.type", "502"));
    span.events.push(Event {
        name: "exception".to_owned(),
        time_unix_nano: time,
        attributes: vec![
            text("exception.type", "hyper::Error"),
            text(
                "exception.message",
                "connection reset by peer\n  while reading the response head",
            ),
        ],
        ..Event::default()
    });
}

fn whole(key: &str, value: i64) -> opentelemetry_proto::tonic::common::v1::KeyValue {
    let mut pair = text(key, "");
    pair.value = Some(AnyValue { value: Some(Value::IntValue(value)) });
    pair
}

fn string(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

fn trace_id(trace: u64) -> [u8; 16] {
    let mut id = [0xab; 16];
    id[8..].copy_from_slice(&trace.to_be_bytes());
    id
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_nanos() as u64
}
