//! What the page's data says.

#![allow(clippy::unwrap_used)] // helpers of tests may

mod support;

use std::time::Duration;

use http_body_util::BodyExt;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData, span::Event, span::Link};
use proptest::prelude::*;
use prost::Message;
use serde_json::json;
use support::{MILLI, START, failed, get, id, offer, request, send, source, span, text};
use tracewire_live::{Live, MetricRow, Recorder, RequestStart, TelemetryRow};

/// Three traces of the service `shop`: 1 plain, 2 failed, 3 slow, each of a root and a child.
fn shop() -> Recorder {
    let recorder = Live::new().service("shop", "1.4.0").build();
    let source = source(&recorder, "shop");
    for (trace, name, millis) in [(1, "GET /a", 10), (2, "GET /b", 20), (3, "GET /a", 2_000)] {
        let mut child = span(trace, 2, "price", millis / 2);
        child.attributes.push(text("item", &format!("number {trace}")));
        let root = span(trace, 1, name, millis);
        offer(&recorder, &source, &child);
        offer(&recorder, &source, &if trace == 2 { failed(root, "timeout") } else { root });
    }
    recorder
}

async fn listed(recorder: &Recorder, query: &str) -> Vec<u64> {
    let (status, list) = get(&recorder.page(), &format!("/api/traces?{query}")).await;
    assert_eq!(status, 200);
    let traces = list["traces"].as_array().unwrap();
    traces
        .iter()
        .map(|row| u64::from_str_radix(&row["id"].as_str().unwrap()[16..], 16).unwrap())
        .collect()
}

#[tokio::test]
async fn the_list_is_newest_first_and_filtered() {
    let recorder = shop();
    for (query, expected) in [
        ("", vec![3, 2, 1]),
        ("limit=2", vec![3, 2]),
        ("before=2", vec![1]),
        ("error=1", vec![2]),
        ("q=error", vec![2]),
        ("q=-error", vec![3, 1]),
        ("q=%3E1s", vec![3]),
        ("q=%3C15ms", vec![1]),
        ("route=GET%20/a", vec![3, 1]),
        ("route=GET+/a&bucket=7", vec![3]),
        ("q=item%3D%22number%203%22", vec![3]),
        ("q=NUMBER", vec![3, 2, 1]),
        ("q=number%20-%22number%202%22", vec![3, 1]),
        ("q=service:shop", vec![3, 2, 1]),
        ("q=service:other", vec![]),
        ("q=nowhere", vec![]),
    ] {
        assert_eq!(listed(&recorder, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_row_tells_what_a_reader_looks_for() {
    let (_, list) = get(&shop().page(), "/api/traces?error=1").await;
    let row = &list["traces"][0];
    for (key, expected) in [
        ("id", json!(id(2))),
        ("name", json!("GET /b")),
        ("services", json!(["shop"])),
        ("spans", json!(2)),
        ("errors", json!(1)),
        ("error_type", json!("timeout")),
        ("kept", json!("error")),
        ("duration", json!(20 * MILLI)),
        ("start", json!((START + MILLI) / 1_000)),
        ("root", json!(true)),
    ] {
        assert_eq!(row[key], expected, "{key}");
    }
    let counts = &list["counts"];
    assert_eq!(
        (&counts["kept"], &counts["failed"], &counts["slow"]),
        (&json!(3), &json!(1), &json!(3))
    );
    assert_eq!(list["service"], "shop");
}

#[tokio::test]
async fn the_service_that_a_trace_began_in_comes_first() {
    let recorder = Live::new().build();
    for (service, n) in [("stock", 3), ("pay", 2), ("shop", 1)] {
        offer(&recorder, &source(&recorder, service), &span(1, n, "GET /a", 9));
    }
    let (_, list) = get(&recorder.page(), "/api/traces").await;
    assert_eq!(list["traces"][0]["services"], json!(["shop", "stock", "pay"]));
}

#[tokio::test]
async fn a_skeleton_has_columns_parents_and_events() {
    let recorder = Live::new().build();
    let source = source(&recorder, "shop");
    let mut child = span(1, 2, "child", 1);
    let event = Event { time_unix_nano: START + 4 * MILLI, ..Event::default() };
    child.events = vec![event];
    let mut orphan = span(1, 3, "child", 1);
    orphan.parent_span_id = 9_u64.to_be_bytes().to_vec();
    for span in [&child, &orphan, &failed(span(1, 1, "GET /a", 10), "500")] {
        offer(&recorder, &source, span);
    }
    let (_, trace) = get(&recorder.page(), &format!("/api/trace/{}", &id(1)[..20])).await;
    assert_eq!(trace["names"], json!(["child", "GET /a"]));
    let spans = &trace["spans"];
    assert_eq!(spans["name"], json!([0, 0, 1]));
    assert_eq!(spans["parent"], json!([2, -2, -1]));
    assert_eq!(spans["start"], json!([MILLI, 2 * MILLI, 0]));
    assert_eq!(spans["error"], json!([0, 0, 1]));
    assert_eq!(trace["events"], json!([[0, 3 * MILLI]]));

    let (_, found) = get(&recorder.page(), &format!("/api/trace/{}?find=CHILD", id(1))).await;
    assert_eq!(found["found"], json!([0, 1]));
    for (service, expected) in [("Shop", json!([0, 1, 2])), ("stock", json!([]))] {
        let target = format!("/api/trace/{}?find=service:{service}", id(1));
        assert_eq!(get(&recorder.page(), &target).await.1["found"], expected, "{service}");
    }
}

#[tokio::test]
async fn a_list_says_where_it_goes_on() {
    let recorder = shop();
    let ask = async |query: &str| {
        let (_, list) = get(&recorder.page(), &format!("/api/traces?{query}")).await;
        let ids = list["traces"].as_array().unwrap().iter().map(|row| row["id"].clone());
        (ids.collect::<Vec<_>>(), list["next"].clone())
    };
    for query in ["", "&q=GET", "&q=-error"] {
        let (mut all, mut place) = (Vec::new(), String::new());
        for _ in 0..4 {
            let (ids, next) = ask(&format!("limit=1{query}{place}")).await;
            all.extend(ids);
            if next.is_null() {
                break;
            }
            place = format!("&before={next}");
        }
        let (expected, next) = ask(&query.replacen('&', "", 1)).await;
        assert_eq!((&all, next), (&expected, json!(null)), "{query}");
        assert!(all.len() >= 2, "{query}");
    }
}

#[tokio::test]
async fn details_show_all_that_a_span_holds_and_its_logs() {
    let recorder = Live::new().build();
    let source = source(&recorder, "shop");
    let mut root = span(1, 1, "GET /a", 10);
    let list = vec![AnyValue { value: Some(Value::IntValue(1)) }];
    let value = AnyValue { value: Some(Value::ArrayValue(ArrayValue { values: list })) };
    root.attributes = vec![
        text("text", "two\nlines \u{202e}hidden"),
        KeyValue { key: "list".into(), value: Some(value), ..KeyValue::default() },
    ];
    root.links = vec![Link { trace_id: vec![1; 16], span_id: vec![2; 8], ..Link::default() }];
    offer(&recorder, &source, &root);
    let body = AnyValue { value: Some(Value::StringValue("it failed".to_owned())) };
    let record = LogRecord {
        time_unix_nano: START + 2 * MILLI,
        severity_number: 17,
        body: Some(body),
        span_id: root.span_id.clone(),
        ..LogRecord::default()
    };
    let trace_id = root.trace_id.clone().try_into().unwrap();
    assert!(recorder.offer_log(trace_id, &source, |into| into.extend(record.encode_to_vec())));

    let target = format!("/api/trace/{}/span/{:016x}?index=0", id(1), 1);
    let (_, details) = get(&recorder.page(), &target).await;
    assert_eq!(
        details["attributes"],
        json!([
            {"key": "text", "type": "string", "value": "two\nlines \\u{202e}hidden"},
            {"key": "list", "type": "array", "value": "[1]"},
        ])
    );
    assert_eq!(details["resource"][0]["value"], "shop");
    assert_eq!(details["links"][0]["trace"], "01".repeat(16));
    assert_eq!(
        details["logs"],
        json!([
            {"offset": MILLI, "severity": "ERROR", "body": "it failed", "attributes": []},
        ])
    );
    assert_eq!(listed(&recorder, &format!("q=link:{}", "01".repeat(16))).await, [1]);
    let (status, _) = get(&recorder.page(), &format!("/api/trace/{}/span/{:016x}", id(1), 7)).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_trace_that_is_gone_is_explained() {
    let recorder = Live::new().memory_mib(4).build();
    let source = source(&recorder, "shop");
    for trace in 0..3_000 {
        let mut root = span(trace, 1, "GET /a", 5);
        root.attributes.push(text("long", &"x".repeat(2_000)));
        offer(&recorder, &source, &failed(root, "500"));
    }
    let page = recorder.page();
    let (status, why) = get(&page, &format!("/api/trace/{}", id(10))).await;
    assert_eq!((status, &why["why"]), (404, &json!("let go")));
    let (status, why) = get(&page, "/api/trace/00000000").await;
    assert_eq!((status, &why["why"]), (404, &json!("unknown")));
    let (status, why) = get(&page, "/api/trace/abababab").await;
    assert_eq!((status, &why["why"]), (404, &json!("ambiguous")));
    let html = send(&page, request(&format!("/trace/{}", id(10)))).await;
    assert_eq!(html.status(), 404);
    assert_eq!(html.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn routes_count_every_request_and_running_ones() {
    let recorder = shop();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    recorder.request_started(RequestStart {
        trace_id: [7; 16],
        span_id: [8; 8],
        start: now - 10_000 * MILLI,
        name: "GET /a".into(),
        path: "/a?not\u{202e}",
    });
    let (_, routes) = get(&recorder.page(), "/api/routes").await;
    let route = &routes["routes"][0];
    assert_eq!((&route["name"], &route["running"]), (&json!("GET /a"), &json!(1)));
    assert_eq!(route["total"]["count"], 2);
    assert_eq!(route["recent"]["buckets"], json!([0, 0, 1, 0, 0, 0, 0, 1, 0, 0]));

    let (_, running) = get(&recorder.page(), "/api/running").await;
    let request = &running["requests"][0];
    assert_eq!(request["path"], "/a?not\\u{202e}");
    assert_eq!(request["slow"], true);
    assert_eq!(request["open"], 1);
    recorder.span_started([7; 16]);
    let (_, running) = get(&recorder.page(), "/api/running").await;
    assert_eq!(running["requests"][0]["open"], 2);
    recorder.span_ended([7; 16]);
    recorder.request_ended([7; 16], [8; 8]);
    let (_, running) = get(&recorder.page(), "/api/running").await;
    assert_eq!(running["requests"], json!([]));
}

#[tokio::test]
async fn a_trace_of_a_running_request_is_shown_before_its_spans_end() {
    let recorder = Live::new().build();
    let source = source(&recorder, "shop");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let mut child = span(1, 2, "child", 1);
    child.start_time_unix_nano = now;
    child.end_time_unix_nano = now + MILLI;
    recorder.request_started(RequestStart {
        trace_id: child.trace_id.clone().try_into().unwrap(),
        span_id: 1_u64.to_be_bytes(),
        start: now - MILLI,
        name: "GET /a".into(),
        path: "/a",
    });
    let target = format!("/api/trace/{}", id(1));
    let (status, trace) = get(&recorder.page(), &target).await;
    assert_eq!((status, &trace["name"]), (200, &json!("GET /a")));
    assert_eq!(trace["spans"]["running"], json!([1]));

    offer(&recorder, &source, &child);
    let (_, trace) = get(&recorder.page(), &target).await;
    assert_eq!(trace["spans"]["running"], json!([0, 1]));
    assert_eq!(trace["spans"]["parent"], json!([1, -1]));
    assert_eq!(trace["spans"]["start"], json!([MILLI, 0]));
    recorder.request_ended(child.trace_id.clone().try_into().unwrap(), 1_u64.to_be_bytes());
    let (_, trace) = get(&recorder.page(), &target).await;
    assert_eq!(trace["spans"]["parent"], json!([-2]));
}

#[tokio::test]
async fn tables_of_others_are_asked_when_they_are_shown() {
    let recorder = Live::new().build();
    let (_, table) = get(&recorder.page(), "/api/metrics").await;
    assert_eq!(table["available"], false);
    recorder
        .set_metrics(|| vec![MetricRow { name: "orders".into(), ..MetricRow::default() }; 3_000]);
    recorder.set_telemetry(|| vec![TelemetryRow { dropped: 3, ..TelemetryRow::default() }]);
    let (_, table) = get(&recorder.page(), "/api/metrics").await;
    assert_eq!((&table["rows"][0]["name"], &table["more"]), (&json!("orders"), &json!(1_000)));
    let (_, table) = get(&recorder.page(), "/api/telemetry").await;
    assert_eq!(table["rows"][0]["dropped"], 3);
}

#[tokio::test]
async fn what_others_name_is_bounded_and_readable_in_every_row() {
    let recorder = Live::new().build();
    for n in 1..=40 {
        offer(&recorder, &source(&recorder, &format!("service {n}")), &span(1, n, "GET /a", 9));
    }
    let (_, list) = get(&recorder.page(), "/api/traces").await;
    let row = &list["traces"][0];
    assert_eq!(row["services"].as_array().unwrap().len(), 8);
    assert_eq!(row["more_services"], 32);

    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    for n in 0..700_u64 {
        recorder.request_started(RequestStart {
            trace_id: [[1; 8], n.to_be_bytes()].concat().try_into().unwrap(),
            span_id: n.to_be_bytes(),
            start: now - (n + 1) * MILLI,
            name: "GET /a".into(),
            path: "/a",
        });
    }
    let (_, running) = get(&recorder.page(), "/api/running").await;
    assert_eq!(running["requests"].as_array().unwrap().len(), 500);
    assert_eq!(running["beyond"], 200);
    assert_eq!(running["requests"][0]["span"], format!("{:016x}", 699));

    let hostile = "a\u{202e}b";
    let pair = (hostile.to_owned(), hostile.to_owned());
    recorder.set_metrics(move || {
        let attributes = vec![pair.clone()];
        vec![MetricRow { name: hostile.into(), attributes, ..MetricRow::default() }]
    });
    recorder.set_telemetry(move || {
        vec![TelemetryRow { last_error: Some(hostile.into()), ..TelemetryRow::default() }]
    });
    let shown = json!("a\\u{202e}b");
    let (_, table) = get(&recorder.page(), "/api/metrics").await;
    assert_eq!(table["rows"][0]["name"], shown);
    assert_eq!(table["rows"][0]["attributes"], json!([[shown, shown]]));
    let (_, table) = get(&recorder.page(), "/api/telemetry").await;
    assert_eq!(table["rows"][0]["last_error"], shown);
}

#[tokio::test]
async fn a_span_that_ended_before_it_began_says_so() {
    let recorder = Live::new().build();
    let source = source(&recorder, "shop");
    let mut child = span(1, 2, "child", 1);
    child.end_time_unix_nano = child.start_time_unix_nano - 3 * MILLI;
    for span in [&child, &span(1, 1, "GET /a", 10)] {
        offer(&recorder, &source, span);
    }
    let (_, trace) = get(&recorder.page(), &format!("/api/trace/{}", id(1))).await;
    assert_eq!((&trace["reversed"], &trace["spans"]["duration"][0]), (&json!([0]), &json!(0)));
    let target = format!("/api/trace/{}/span/{:016x}", id(1), 2);
    let (_, details) = get(&recorder.page(), &target).await;
    assert_eq!(details["duration"], json!(-3_000_000));
}

/// Reads the stream of changes until it ends.
async fn changes(recorder: &Recorder, since: &str) -> String {
    let response = send(&recorder.page(), request(&format!("/api/changes?since={since}"))).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let all = tokio::time::timeout(Duration::from_secs(30), response.into_body().collect());
    String::from_utf8(all.await.unwrap().unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_tells_what_changed_since_and_ends_by_itself() {
    let recorder = shop();
    let (_, list) = get(&recorder.page(), "/api/traces").await;
    let at = list["at"].as_str().unwrap();
    let source = source(&recorder, "shop");
    offer(&recorder, &source, &span(4, 1, "GET /new", 1));
    let stream = changes(&recorder, at).await;
    assert!(stream.starts_with("retry: 1000\n\n"), "{stream}");
    assert!(stream.contains("GET /new") && !stream.contains("GET /b"), "{stream}");
    assert!(!stream.contains("reset"), "{stream}");
    assert!(stream.ends_with("event: again\ndata: {}\n\n"), "{stream}");

    let last = stream.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let again = changes(&recorder, last).await;
    assert!(!again.contains("GET /new"), "{again}");
}

#[tokio::test]
async fn a_stream_of_another_process_is_reset() {
    let recorder = shop();
    for since in ["0000000000000001-1", &format!("{:016x}-99999", 1)] {
        let stream = changes(&recorder, since).await;
        assert!(stream.contains("event: reset\n"), "{stream}");
    }
}

#[tokio::test]
async fn streams_end_when_they_are_closed_and_none_begins() {
    let recorder = shop();
    let page = recorder.page().streams_until(std::future::pending());
    let response = send(&page, request("/api/changes")).await;
    let reading = tokio::spawn(response.into_body().collect());
    recorder.close_streams();
    let ended = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(ended.is_ok());
    assert_eq!(send(&page, request("/api/changes")).await.status(), 503);
}

#[tokio::test]
async fn many_changes_are_one_message_and_a_number() {
    let recorder = Live::new().rate(0, 1).build();
    let (_, list) = get(&recorder.page(), "/api/traces").await;
    let source = source(&recorder, "shop");
    for trace in 0..314 {
        offer(&recorder, &source, &span(trace, 1, "GET /a", 1));
    }
    let stream = changes(&recorder, list["at"].as_str().unwrap()).await;
    assert!(stream.contains("\"more\":214"), "{stream}");
    assert_eq!(stream.matches("\"id\":").count(), 100);
}

fn any_span() -> impl Strategy<Value = Span> {
    let value = prop_oneof![
        any::<String>().prop_map(Value::StringValue),
        any::<i64>().prop_map(Value::IntValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i32>().prop_map(|number| Value::DoubleValue(f64::from(number) / 4.0)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::BytesValue),
    ];
    let attribute = (".{0,20}", value).prop_map(|(key, value)| KeyValue {
        key,
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    });
    (prop::collection::vec(attribute, 0..5), ".{0,40}", any::<u64>(), any::<u64>(), 2..99_u64)
        .prop_map(|(attributes, name, start, end, place)| Span {
            attributes,
            name,
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            ..span(1, place, "", 0)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_download_holds_what_was_kept(spans in prop::collection::vec(any_span(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let recorder = Live::new().build();
        let source = source(&recorder, "shop");
        for span in &spans {
            offer(&recorder, &source, span);
        }
        let root = span(1, 1, "GET /a", 10);
        offer(&recorder, &source, &root);
        let (_, json) = runtime.block_on(get(&recorder.page(), &format!("/api/trace/{}/otlp", id(1))));
        let first = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        prop_assert_eq!(&first["traceId"], &json!(id(1)));
        prop_assert!(first["startTimeUnixNano"].is_string());
        let read: TracesData = serde_json::from_value(json).unwrap();
        prop_assert_eq!(read.resource_spans.len(), 1);
        let kept = &read.resource_spans[0].scope_spans[0].spans;
        prop_assert_eq!(&kept[..spans.len()], &spans[..]);
        prop_assert_eq!(&kept[spans.len()..], &[root]);
    }
}
