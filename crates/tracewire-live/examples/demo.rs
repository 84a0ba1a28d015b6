//! Shows the page with made-up traces, for a look at it and for tests in a browser.
//!
//! `cargo run -p tracewire-live --features server --example demo -- [port] [spans of a large trace]`
//!
//! Prints the page's address on the first line, and the id of the large trace on the second one.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Event};
use prost::Message as _;
use tracewire_live::{
    EncodedSpan, Listen, Live, MetricRow, Recorder, RequestStart, Server, Source, TelemetryRow,
};

const MILLI: u64 = 1_000_000;
const ROUTES: [&str; 4] = ["GET /orders/{id}", "POST /orders", "GET /items", "GET /health"];
const SERVICES: [&str; 3] = ["shop", "stock", "pay"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = Listen::parse(&arguments.next().unwrap_or_else(|| "0".to_owned()))?;
    let large: u64 = arguments.next().map_or(Ok(0), |spans| spans.parse())?;
    let recorder = Live::new().service("shop", "1.4.0").build();
    let demo = Demo { sources: SERVICES.map(|name| source(&recorder, name)), recorder, random: 1 };
    demo.fill_tables();
    let server = Server::start(demo.recorder.own_page(), &listen.unwrap_or_default())?;
    let mut output = io::stdout();
    writeln!(output, "{}", server.url())?;
    if large > 0 {
        demo.trace(u64::MAX, "GET /report", large, 900 * MILLI, false);
        writeln!(output, "{}", hex(&trace_id(u64::MAX)))?;
    }
    output.flush()?;
    demo.run()
}

struct Demo {
    recorder: Recorder,
    sources: [Arc<Source>; 3],
    random: u64,
}

impl Demo {
    fn run(mut self) -> ! {
        for number in 1.. {
            let route = ROUTES[(self.random() % 7 % 4) as usize];
            let millis = 2 + self.random() % 10_u64.pow((1 + self.random() % 3) as u32);
            let is_failed = self.random().is_multiple_of(12);
            let spans = 2 + self.random() % 9;
            let start = RequestStart {
                trace_id: trace_id(number),
                span_id: number.to_be_bytes(),
                start: now(),
                name: route.into(),
                path: "/orders/13",
            };
            self.recorder.request_started(start);
            sleep(Duration::from_millis(millis.min(400)));
            // Some requests never end.
            if number % 40 != 39 {
                self.recorder.request_ended(trace_id(number), number.to_be_bytes());
                self.trace(number, route, spans, millis * MILLI, is_failed);
            }
        }
        unreachable!("there are enough numbers")
    }

    /// Shows numbers that change.
    fn fill_tables(&self) {
        self.recorder.set_telemetry(|| {
            let row = TelemetryRow {
                signal: "traces".into(),
                exporter: "otlp http://localhost:4318".into(),
                exported: now() / (1_000 * MILLI) % 1_000,
                ..TelemetryRow::default()
            };
            let failing = TelemetryRow {
                signal: "logs".into(),
                failed: 12,
                dropped: 3,
                last_error: Some("connection refused".into()),
                last_error_at: Some(now() / MILLI),
                ..row.clone()
            };
            vec![row, failing]
        });
        self.recorder.set_metrics(|| {
            let seconds = now() / (1_000 * MILLI);
            let row = |route: &str| MetricRow {
                name: "http.server.request.duration".into(),
                unit: "s".into(),
                kind: "histogram".into(),
                attributes: vec![("http.route".into(), route.into())],
                value: (seconds % 17) as f64 / 100.0,
                count: Some(seconds % 1_000),
            };
            ROUTES.map(row).to_vec()
        });
    }

    /// Offers a trace whose spans call each other.
    fn trace(&self, number: u64, route: &str, spans: u64, duration: u64, is_failed: bool) {
        let begun = now() - duration;
        for place in (0..spans).rev() {
            // Each span lies within the one at half its place.
            let depth = place.checked_ilog2().map_or(0, |depth| u64::from(depth) + 1);
            let part = duration / (depth + 1);
            let start = begun + (duration - part) * (place % 7) / 8;
            let mut span = Span {
                trace_id: trace_id(number).to_vec(),
                span_id: (number ^ (place << 32)).to_be_bytes().to_vec(),
                name: if place == 0 { route.to_owned() } else { format!("step {}", place % 9) },
                kind: if place == 0 { 2 } else { [1, 3][(place % 2) as usize] },
                flags: 0x100,
                start_time_unix_nano: start,
                end_time_unix_nano: start + part,
                attributes: vec![
                    text("url.full", "http://stock.local/items/13"),
                    text("step", &place.to_string()),
                ],
                ..Span::default()
            };
            if place > 0 {
                span.parent_span_id = (number ^ ((place / 2) << 32)).to_be_bytes().to_vec();
            }
            if is_failed && (place == 0 || place.is_power_of_two()) {
                span.status = Some(Status { code: 2, message: "connection reset".to_owned() });
                span.attributes.push(text("error.type", "reset"));
                let attributes = vec![text("exception.message", "reset by peer\n  at stock")];
                let time_unix_nano = start + part / 2;
                span.events.push(Event {
                    name: "exception".into(),
                    time_unix_nano,
                    attributes,
                    ..Event::default()
                });
            }
            let source = Arc::clone(&self.sources[(place % 3) as usize]);
            if let Ok(span) = EncodedSpan::new(source, span.encode_to_vec().into()) {
                self.recorder.offer([span]);
            }
        }
    }

    /// Numbers that look random, and are the same in each run.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random >> 33
    }
}

fn source(recorder: &Recorder, service: &str) -> Arc<Source> {
    let attributes = vec![text("service.name", service), text("service.version", "1.4.0")];
    recorder.source(&Resource { attributes, ..Resource::default() }.encode_to_vec(), b"")
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn trace_id(number: u64) -> [u8; 16] {
    let mut id = [0xab; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64
}
