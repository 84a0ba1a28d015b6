//! What the viewer takes while it receives 20,000 spans a second.
//!
//! `cargo bench -p tracewire-viewer [-- SECONDS]` sends requests of 512 spans with 10 attributes each over
//! one connection, 20 seconds for each case, and asks for the list of traces meanwhile. The figures are
//! processor time and memory of the viewer's process, which is started for each case.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // what it is asked for

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use self::support::{Viewer, send};

const SPANS_A_SECOND: u64 = 20_000;
const SPANS_A_REQUEST: u64 = 512;
/// Longer ones than a trace of 10,000 spans and 4 MiB are not kept whole.
const ATTRIBUTES: usize = 10;
/// How the kernel counts processor time.
const TICKS_A_SECOND: u64 = 100;

/// Which spans come.
#[derive(Clone, Copy, Debug)]
enum Case {
    /// Traces of 8 spans, each a new one.
    New,
    /// The same 1,280 traces again and again, so that they grow to their limit.
    Growing,
    /// Traces whose root never ends.
    Rootless,
    /// Traces of 8 spans with an attribute of 16 KiB in every 64th.
    Large,
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(20);
    println!(
        "| spans | received/s | CPU a span | RSS | most RSS | counted | list p50 | list p95 |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for case in [Case::New, Case::Growing, Case::Rootless, Case::Large] {
        measure(case, Duration::from_secs(seconds));
    }
}

fn measure(case: Case, time: Duration) {
    let viewer = Viewer::start();
    let page = viewer.page().to_owned();
    let asking = thread::spawn(move || {
        let begin = Instant::now();
        let mut times = Vec::new();
        while begin.elapsed() < time {
            let start = Instant::now();
            let answer = send(&page, &format!("GET /api/traces HTTP/1.1\r\nhost: {page}"), b"");
            times.push(start.elapsed());
            assert_eq!(answer.status, 200);
            sleep(Duration::from_millis(100));
        }
        times.sort();
        times
    });
    let (begin, ticks) = (Instant::now(), ticks(&viewer));
    let mut stream = TcpStream::connect(viewer.otlp(1)).unwrap();
    let mut sent = 0;
    while begin.elapsed() < time {
        let body = request(case, sent / SPANS_A_REQUEST).encode_to_vec();
        post(&mut stream, viewer.otlp(1), &body);
        sent += SPANS_A_REQUEST;
        let due = Duration::from_secs_f64(sent as f64 / SPANS_A_SECOND as f64);
        sleep(due.saturating_sub(begin.elapsed()));
    }
    let (took, used) = (begin.elapsed(), self::ticks(&viewer) - ticks);
    let times = asking.join().unwrap();
    let counts = viewer.api("status")["counts"].clone();
    let millis = |place: usize| times[times.len() * place / 100].as_secs_f64() * 1000.0;
    println!(
        "| {case:?} | {:.0} | {:.1} µs | {:.1} MiB | {:.1} MiB | {:.1} MiB | {:.1} ms | {:.1} ms |",
        counts["spans"].as_f64().unwrap() / took.as_secs_f64(),
        used as f64 * 1e6 / TICKS_A_SECOND as f64 / sent as f64,
        memory(&viewer, "VmRSS:"),
        memory(&viewer, "VmHWM:"),
        counts["used"].as_f64().unwrap() / f64::from(1 << 20),
        millis(50),
        millis(95),
    );
}

fn request(case: Case, number: u64) -> ExportTraceServiceRequest {
    let first = match case {
        Case::Growing => number % 20,
        Case::New | Case::Rootless | Case::Large => number,
    } * SPANS_A_REQUEST;
    let spans = (0..SPANS_A_REQUEST).map(|n| span(case, number * SPANS_A_REQUEST + n, first + n));
    let scope = ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() };
    let resource =
        Resource { attributes: vec![text("service.name", "load")], ..Resource::default() };
    let resource = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource] }
}

/// The `number`th span of all, at a place of a trace that says which one it is.
fn span(case: Case, number: u64, place: u64) -> Span {
    let (trace, of_trace) = (place / 8 + 1, place % 8);
    let is_root = of_trace == 7 && !matches!(case, Case::Rootless);
    let start = 1_780_000_000_000_000_000 + number * 1000;
    let mut attributes: Vec<_> = (0..ATTRIBUTES)
        .map(|n| text(&format!("attribute.number.{n}"), "a value of usual length"))
        .collect();
    if matches!(case, Case::Large) && number.is_multiple_of(64) {
        attributes.push(text("large", &"x".repeat(16 * 1024)));
    }
    Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        parent_span_id: if is_root { Vec::new() } else { 7_u64.to_be_bytes().to_vec() },
        name: format!("GET /route/{}", trace % 20),
        kind: if is_root { 2 } else { 1 },
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000 * (number % 500),
        attributes,
        ..Span::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// Sends a request on a connection that stays open.
fn post(stream: &mut TcpStream, host: &str, body: &[u8]) {
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    assert!(
        answer[..length].starts_with(b"HTTP/1.1 200 "),
        "{:?}",
        answer[..length].escape_ascii()
    );
}

/// The processor time of all threads.
fn ticks(viewer: &Viewer) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", viewer.child.id())).unwrap();
    // The second field is a name in parentheses; the 14th and 15th are user and system time.
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11);
    fields.take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

fn memory(viewer: &Viewer, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", viewer.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
