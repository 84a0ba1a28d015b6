//! Telemetry over real sockets, as our own exporters send it and as nobody should.
#![allow(clippy::unwrap_used)] // a test may

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::trace::{
    SpanContext, Status, TraceContextExt as _, TraceFlags, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, metrics::MeterProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue as Pair, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prost::Message as _;
use serde_json::{Value, json};
use tracewire_export::{
    Batch, BatchLogProcessor, BatchSpanProcessor, Compression, Exports, MetricExporter,
    OtlpExporter, Protocol,
};

use self::support::{Viewer, send};

const TRACE: &str = "5b8aa5a2d2c872e8321cf37308d69df2";
const JSON: &str = "content-type: application/json";
const PROTOBUF: &str = "content-type: application/x-protobuf";

fn exporter(
    viewer: &Viewer,
    port: usize,
    protocol: Protocol,
    compression: Compression,
    signal: &str,
) -> OtlpExporter {
    let address = viewer.otlp(port);
    let path = if protocol == Protocol::Grpc { String::new() } else { format!("/v1/{signal}") };
    let mut otlp = OtlpExporter::new(format!("http://{address}{path}"));
    otlp.protocol = protocol;
    otlp.compression = compression;
    otlp
}

fn resource(service: &str) -> Resource {
    Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", service.to_owned()))
        .build()
}

/// Two spans, the inner one with an error, exported before this returns.
fn export_spans(otlp: OtlpExporter, service: &str) -> String {
    let exports = Exports::new();
    let processor = BatchSpanProcessor::new(&exports).otlp(otlp, Batch::spans()).unwrap();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(service))
        .with_span_processor(processor)
        .build();
    let tracer = provider.tracer("test");
    let id = tracer.in_span("outer", |context| {
        tracer.in_span("inner", |context| {
            context.span().set_status(Status::error("gone"));
        });
        context.span().span_context().trace_id().to_string()
    });
    provider.shutdown().unwrap();
    let report = exports.report().to_string();
    assert!(exports.report().is_complete(), "{report}");
    id
}

#[test]
fn every_protocol_is_taken_on_every_port_packed_or_not() {
    let viewer = Viewer::start();
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        for compression in [Compression::None, Compression::Gzip] {
            for port in [0, 1] {
                let service = format!("{protocol:?} {compression:?} {port}");
                let otlp = exporter(&viewer, port, protocol, compression, "traces");
                let id = export_spans(otlp, &service);
                let trace = viewer.wait("traces", |traces| {
                    let mut rows = traces["traces"].as_array().into_iter().flatten();
                    rows.find(|trace| trace["id"] == id && trace["spans"] == 2).cloned()
                });
                assert_eq!(trace["name"], "outer", "{service}: {trace:#}");
                assert_eq!(trace["errors"], 1, "{service}: {trace:#}");
                assert!(trace.to_string().contains(&service), "{service}: {trace:#}");
            }
        }
    }
    let rows = viewer.api("telemetry");
    assert!(rows.to_string().contains("\"exported\":24"), "{rows:#}");
}

#[test]
fn log_records_stand_beside_spans_that_come_later() {
    let viewer = Viewer::start();
    let exports = Exports::new();
    let otlp = exporter(&viewer, 1, Protocol::HttpProtobuf, Compression::None, "logs");
    let processor = BatchLogProcessor::new(&exports).otlp(otlp, Batch::logs()).unwrap();
    let logs = SdkLoggerProvider::builder()
        .with_resource(resource("shop"))
        .with_log_processor(processor)
        .build();
    let trace_id = opentelemetry::TraceId::from_hex(TRACE).unwrap();
    let parent = SpanContext::new(
        trace_id,
        opentelemetry::SpanId::from_hex("051581bf3cb55c13").unwrap(),
        TraceFlags::SAMPLED,
        true,
        Default::default(),
    );
    let logger = logs.logger("test");
    {
        let _guard = Context::new().with_remote_span_context(parent).attach();
        let mut record = logger.create_log_record();
        record.set_body("the lamp is sold".into());
        logger.emit(record);
    }
    logs.shutdown().unwrap();

    let body = traces_json(TRACE, "051581bf3cb55c13");
    assert_eq!(viewer.post("/v1/traces", JSON, body.to_string().as_bytes()).status, 200);
    let span = viewer.wait(&format!("trace/{TRACE}/span/051581bf3cb55c13"), |span| {
        span.to_string().contains("the lamp is sold").then(|| span.clone())
    });
    assert_eq!(span["logs"].as_array().map(Vec::len), Some(1), "{span:#}");
}

#[test]
fn metrics_are_shown_with_their_service() {
    let viewer = Viewer::start();
    let exports = Exports::new();
    let otlp = exporter(&viewer, 0, Protocol::Grpc, Compression::None, "metrics");
    let metrics = MetricExporter::otlp(&exports, otlp).unwrap();
    let reader = PeriodicReader::builder(metrics).with_interval(Duration::from_secs(60)).build();
    let provider =
        SdkMeterProvider::builder().with_resource(resource("shop")).with_reader(reader).build();
    let meter = provider.meter("test");
    meter.u64_counter("lamps").build().add(7, &[KeyValue::new("color", "red")]);
    meter.f64_histogram("price").build().record(2.5, &[]);
    meter.i64_up_down_counter("stock").build().add(-3, &[]);
    provider.shutdown().unwrap();
    let rows = viewer.wait("metrics", |rows| {
        let text = rows.to_string();
        (text.contains("lamps") && text.contains("price")).then_some(text)
    });
    for part in ["\"value\":7.0", "\"value\":2.5", "\"value\":-3.0", "red", "shop", "updowncounter"]
    {
        assert!(rows.contains(part), "{part} is not in {rows}");
    }
}

/// A trace of one span.
fn traces_json(trace: &str, span: &str) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "stock"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": trace, "spanId": span, "name": "GET /items", "kind": 2,
            "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000000005000000",
        }]}],
    }]})
}

#[test]
fn spans_without_ids_are_rejected_and_the_others_are_kept() {
    let viewer = Viewer::start();
    let mut body = traces_json(TRACE, "051581bf3cb55c13");
    let mut nameless = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0].clone();
    nameless["spanId"] = json!("0000000000000000");
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap().push(nameless);
    let answer = viewer.post("/v1/traces", JSON, body.to_string().as_bytes());
    assert_eq!(answer.status, 200);
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{answer:#}");
    viewer.wait("traces", |traces| (traces["traces"][0]["spans"] == 1).then_some(()));
}

#[test]
fn a_half_of_a_character_from_javascript_costs_no_batch() {
    let viewer = Viewer::start();
    let body = traces_json(TRACE, "051581bf3cb55c13").to_string();
    let body = body.replace("GET /items", r"GET \ud83d\ude00\ud83d");
    assert_eq!(viewer.post("/v1/traces", JSON, body.as_bytes()).status, 200);
    let name =
        viewer.wait("traces", |traces| Some(traces["traces"][0]["name"].as_str()?.to_owned()));
    assert_eq!(name, "GET \u{1f600}\u{fffd}");
}

#[test]
fn what_is_not_otlp_is_refused_and_changes_nothing() {
    let viewer = Viewer::start();
    let otlp = viewer.otlp(1).to_owned();
    let packed = |length: usize| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&vec![0; length]).unwrap();
        packed.finish().unwrap()
    };
    let bomb = packed(17 * 1024 * 1024);
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let parts = format!("{{\"resourceSpans\":[{}{{}}]}}", "{},".repeat(1_000_000));
    let gzip = format!("{PROTOBUF}\r\ncontent-encoding: gzip");
    let grpc = "content-type: application/grpc";
    let service = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    for (path, headers, body, status) in [
        ("/v1/traces", JSON, &b"{"[..], 400),
        ("/v1/traces", JSON, &b"{\"resourceSpans\": 1}"[..], 400),
        ("/v1/traces", JSON, &b"\xff\xfe"[..], 400),
        ("/v1/traces", JSON, deep.as_bytes(), 400),
        (
            "/v1/traces",
            JSON,
            &br#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "\ud8"}]}]}]}"#[..],
            400,
        ),
        ("/v1/traces", PROTOBUF, &b"\x0a\xff\xff\xff\xff\x0f"[..], 400),
        ("/v1/logs", PROTOBUF, &b"\xff"[..], 400),
        ("/v1/metrics", PROTOBUF, &b"\xff"[..], 400),
        ("/v1/traces", &gzip, &b"no gzip"[..], 400),
        ("/v1/traces", &gzip, &bomb[..], 413),
        ("/v1/traces", PROTOBUF, &large[..], 413),
        (
            "/v1/traces",
            "content-type: application/x-protobuf\r\ncontent-encoding: br",
            &b""[..],
            415,
        ),
        ("/v1/traces", "content-type: text/plain", &b""[..], 415),
        ("/v1/traces", "content-type: application/x-www-form-urlencoded", &b""[..], 415),
        ("/v1/traces", "x: y", &b""[..], 415),
        ("/v1/profiles", PROTOBUF, &b""[..], 404),
        ("/v1/traces", &format!("{PROTOBUF}\r\nsec-fetch-site: cross-site"), &b""[..], 403),
        ("/v1/traces", &format!("{PROTOBUF}\r\nx-forwarded-for: 192.0.2.1"), &b""[..], 403),
        ("/v1/traces", &gzip, &bomb[..100], 400),
        ("/v1/traces", JSON, parts.as_bytes(), 413),
        // Over gRPC the status is in a header.
        (service, grpc, &b"\0\0\0\0\x09no"[..], 200),
        (service, grpc, &b"\0\0\0"[..], 200),
        (service, grpc, &b"\0\xff\xff\xff\xff\0"[..], 200),
        (service, grpc, &b"\0\0\0\0\0\0\0\0\0\0"[..], 200),
        (service, grpc, &b"\x02\0\0\0\0"[..], 200),
        (service, grpc, &b"\x01\0\0\0\0"[..], 200),
        (service, &format!("{grpc}\r\ngrpc-encoding: identity"), &b"\x01\0\0\0\0"[..], 200),
        (service, &format!("{grpc}\r\ngrpc-encoding: gzip"), &b"\x01\0\0\0\x02no"[..], 200),
    ] {
        let answer = viewer.post(path, headers, body);
        assert_eq!(answer.status, status, "{path} {headers}: {}", answer.head);
        assert_eq!(answer.head.contains("grpc-status: 3"), status == 200, "{}", answer.head);
    }
    let foreign = format!("POST /v1/traces HTTP/1.1\r\nhost: evil.example\r\n{PROTOBUF}");
    assert_eq!(send(&otlp, &foreign, b"").status, 421);
    let rows = viewer.api("telemetry");
    assert!(rows["rows"][0]["last_error"].as_str().unwrap().contains("--allow-host"), "{rows}");
    let get = format!("GET /v1/traces HTTP/1.1\r\nhost: {otlp}\r\n{PROTOBUF}");
    let answer = send(&otlp, &get, b"");
    assert_eq!((answer.status, answer.head.contains("allow: post")), (405, true));
    // No browser is told that another page may send.
    let preflight =
        format!("OPTIONS /v1/traces HTTP/1.1\r\nhost: {otlp}\r\norigin: http://a.example");
    let answer = send(&otlp, &preflight, b"");
    assert!(!answer.head.contains("access-control"), "{}", answer.head);

    assert_eq!(viewer.api("traces")["traces"], json!([]));
    let too_large = exporter(&viewer, 0, Protocol::Grpc, Compression::None, "traces");
    export_spans(too_large, "still works");
}

#[test]
fn a_token_is_asked_of_exporters_too() {
    let token = "0123456789abcdef";
    let viewer = Viewer::with(
        &["--grpc-port", "0", "--http-port", "0", "--page-port", "0", "--token", token],
        3,
    );
    assert_eq!(viewer.post("/v1/traces", PROTOBUF, b"").status, 401);
    let headers = format!("{PROTOBUF}\r\nauthorization: Bearer {token}");
    assert_eq!(viewer.post("/v1/traces", &headers, b"").status, 200);
    let grpc = "content-type: application/grpc";
    let service = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = viewer.post(service, grpc, b"\0\0\0\0\0");
    assert!(answer.head.contains("grpc-status: 16"), "{}", answer.head);
}

/// A request with these spans of one service.
fn encoded(spans: Vec<Span>) -> Vec<u8> {
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn span(trace: u8, span: u64, parent: u64) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: span.to_be_bytes().to_vec(),
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        name: "step".to_owned(),
        start_time_unix_nano: 1_780_000_000_000_000_000,
        end_time_unix_nano: 1_780_000_000_001_000_000,
        ..Span::default()
    }
}

#[test]
fn a_trace_of_100_000_spans_is_cut_and_says_so() {
    let viewer = Viewer::start();
    let mut numbers = 2..=100_000_u64;
    loop {
        let spans: Vec<_> = numbers.by_ref().take(5_000).map(|n| span(7, n, 1)).collect();
        if spans.is_empty() {
            break;
        }
        assert_eq!(viewer.post("/v1/traces", PROTOBUF, &encoded(spans)).status, 200);
    }
    assert_eq!(viewer.post("/v1/traces", PROTOBUF, &encoded(vec![span(7, 1, 0)])).status, 200);
    let trace = viewer.api(&format!("trace/{}", "07".repeat(16)));
    let shown = trace["spans"]["id"].as_array().map_or(0, Vec::len);
    assert_eq!((&trace["total"], shown), (&json!(100_000), 10_000));
    assert_eq!(trace["omitted"], 90_000);
    let counts = &viewer.api("status")["counts"];
    assert!(counts["used"].as_u64() <= counts["memory"].as_u64(), "{counts:#}");
}

#[test]
fn hostile_spans_are_shown_or_rejected_and_break_no_answer() {
    let viewer = Viewer::start();
    let text =
        |text: &str| Some(AnyValue { value: Some(any_value::Value::StringValue(text.into())) });
    let nested = |depth: usize| {
        (0..depth).fold(text("deep"), |inner, _| {
            let values = inner.into_iter().collect();
            Some(AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values })) })
        })
    };
    let pair = |key: &str, value| Pair { key: key.to_owned(), value, ..Pair::default() };
    let odd = [
        Span { name: "x".repeat(1 << 20), ..span(1, 1, 0) },
        Span { name: "\0\u{1b}[31m\u{202e}</script>\u{2028}".to_owned(), ..span(2, 1, 0) },
        Span {
            attributes: vec![pair("", None), pair(&"k".repeat(100_000), nested(20))],
            ..span(3, 1, 0)
        },
        Span { start_time_unix_nano: u64::MAX, end_time_unix_nano: 0, ..span(4, 1, 0) },
        Span { start_time_unix_nano: 0, end_time_unix_nano: u64::MAX, ..span(5, 1, 0) },
        Span {
            kind: i32::MIN,
            parent_span_id: vec![1; 3],
            trace_state: "=,;".to_owned(),
            ..span(6, 1, 0)
        },
        span(7, 1, 1),
        Span {
            attributes: vec![pair(
                "nan",
                Some(AnyValue { value: Some(any_value::Value::DoubleValue(f64::NAN)) }),
            )],
            ..span(8, 1, 0)
        },
        Span {
            attributes: (0..10_000).map(|n| pair(&format!("key {n}"), text("v"))).collect(),
            ..span(9, 1, 0)
        },
    ];
    let count = odd.len();
    for span in odd {
        assert_eq!(viewer.post("/v1/traces", PROTOBUF, &encoded(vec![span])).status, 200);
    }
    let ids = |trace: usize, span: usize| Span {
        trace_id: vec![1; trace],
        span_id: vec![1; span],
        ..self::span(1, 1, 0)
    };
    for rejected in [
        ids(15, 8),
        ids(16, 9),
        ids(0, 8),
        Span { trace_id: vec![0; 16], ..span(1, 1, 0) },
        // Deeper than protobuf is read.
        Span { attributes: vec![pair("deeper", nested(90))], ..span(1, 1, 0) },
        Span { attributes: vec![pair("deepest", nested(1_000))], ..span(1, 1, 0) },
        Span { name: "x".repeat(3 << 20), ..span(1, 1, 0) },
    ] {
        let answer = viewer.post("/v1/traces", PROTOBUF, &encoded(vec![rejected]));
        let answer = ExportTraceServiceResponse::decode(&*answer.body).unwrap();
        assert_eq!(answer.partial_success.map(|partial| partial.rejected_spans), Some(1));
    }
    let counts = viewer.api("status")["counts"].clone();
    let (kept, waiting) = (counts["kept"].as_u64(), counts["waiting"].as_u64());
    assert_eq!(kept.zip(waiting), Some((count as u64 - 2, 2)), "two have a parent: {counts:#}");
    for trace in 1..=count {
        let id = format!("{trace:02x}").repeat(16);
        for path in
            [format!("trace/{id}"), format!("trace/{id}/otlp"), format!("trace/{id}?find=deep")]
        {
            viewer.api(&path);
        }
        let details = viewer.api(&format!("trace/{id}/span/0000000000000001"));
        assert!(details.to_string().len() < 1 << 20, "{trace}");
    }
    // JSON has no such number.
    let download = viewer.api(&format!("trace/{}/otlp", "08".repeat(16))).to_string();
    assert!(download.contains(r#"{"stringValue":"NaN"}"#), "{download}");
    for path in ["routes", "running", "status", "traces?q=key%3D1"] {
        viewer.api(path);
    }
}

#[test]
fn a_body_that_never_ends_is_refused_once_it_is_too_large() {
    let viewer = Viewer::start();
    let mut stream = TcpStream::connect(viewer.otlp(1)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {}\r\n{PROTOBUF}\r\ntransfer-encoding: chunked\r\n\r\n",
        viewer.otlp(1)
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let chunks = (0..10_000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok()).count();
    // 4 MiB, and what the buffers of both sides hold.
    assert!(chunks < 1_000, "{chunks} chunks of 64 KiB were taken");
    // Absurd lengths are refused before a byte is read.
    let length = format!("{PROTOBUF}\r\nexpect: 100-continue\r\ncontent-length: 9999999999999999");
    let mut stream = TcpStream::connect(viewer.otlp(1)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "POST /v1/traces HTTP/1.1\r\nhost: {}\r\n{length}\r\n\r\n", viewer.otlp(1))
        .unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    assert_eq!(viewer.post("/v1/traces", PROTOBUF, &encoded(vec![span(1, 1, 0)])).status, 200);
}

#[test]
fn a_client_that_sends_too_much_learns_why() {
    let viewer = Viewer::start();
    for body in [5, 12].map(|mib| vec![b' '; mib << 20]) {
        let mut stream = TcpStream::connect(viewer.otlp(1)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = format!("{JSON}\r\ncontent-length: {}", body.len());
        write!(stream, "POST /v1/traces HTTP/1.1\r\nhost: {}\r\n{length}\r\n\r\n", viewer.otlp(1))
            .unwrap();
        // As clients do that write all of a request before they read.
        stream.write_all(&body).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 413");
    }
    let rows = viewer.api("telemetry");
    assert!(
        rows["rows"][0]["last_error"].as_str().unwrap().contains("larger than 4 MiB"),
        "{rows}"
    );
}

/// The most memory that a process ever had, where the system says so.
fn most_memory(viewer: &Viewer) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", viewer.child.id())).ok()?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    most.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn a_small_request_of_millions_of_empty_messages_takes_little_memory() {
    let viewer = Viewer::start();
    let gzip = format!("{PROTOBUF}\r\ncontent-encoding: gzip");
    // A message in field 1 or 2 that holds many empty messages in field 1 or 2, and so on.
    let empties = |count: usize, tag: u8, wraps: &[u8]| {
        let mut message: Vec<u8> = [tag, 0].repeat(count);
        for wrap in wraps {
            let mut outer = vec![*wrap];
            prost::encoding::encode_varint(message.len() as u64, &mut outer);
            outer.extend(message);
            message = outer;
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&message).unwrap();
        packed.finish().unwrap()
    };
    for path in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        for (tag, wraps, many) in [
            (0x0a, &[][..], 413),
            (0x12, &[0x0a], 413),             // scopes
            (0x12, &[0x12, 0x0a], 413),       // items
            (0x0a, &[0x0a, 0x0a], 200),       // attributes of the resource
            (0x4a, &[0x12, 0x12, 0x0a], 200), // attributes of a span
        ] {
            for (count, expected) in [(490_000, 200), (2_000_000, many)] {
                let body = empties(count, tag, wraps);
                assert!(body.len() < 200_000, "{}", body.len());
                let status = viewer.post(path, &gzip, &body).status;
                assert_eq!(status, expected, "{path} {count} {tag} {wraps:?}");
            }
        }
    }
    if let Some(most) = most_memory(&viewer) {
        assert!(most < 64 * 1024, "{most} KiB");
    }
}

#[tokio::test]
async fn many_requests_of_one_http2_connection_are_taken() {
    let viewer = Viewer::start();
    let stream = tokio::net::TcpStream::connect(viewer.otlp(1)).await.unwrap();
    let connection =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = connection.await.unwrap();
    tokio::spawn(connection);
    let send = |host: String, body: Vec<u8>| {
        let mut sender = sender.clone();
        let request = http::Request::post(format!("http://{host}/v1/traces"))
            .header("content-type", "application/x-protobuf")
            .body(Full::new(Bytes::from(body)));
        async move { sender.send_request(request.unwrap()).await.unwrap().status().as_u16() }
    };
    assert_eq!(send(viewer.otlp(1).to_owned(), encoded(vec![span(100, 1, 0)])).await, 200);
    // From here on the client knows that 32 are taken at a time.
    let requests = (1..100).map(|n| send(viewer.otlp(1).to_owned(), encoded(vec![span(n, 1, 0)])));
    let requests: Vec<_> = requests.map(tokio::spawn).collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(viewer.api("traces")["traces"].as_array().map(Vec::len), Some(100));
    assert_eq!(send("evil.example".to_owned(), Vec::new()).await, 421);
}
