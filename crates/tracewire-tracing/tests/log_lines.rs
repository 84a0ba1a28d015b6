//! Log lines as they are printed.

mod support;

use opentelemetry::{
    Context, ContextGuard,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use support::Output;
use tracewire_tracing::TraceIds;
use tracing::{info, info_span, subscriber::with_default};
use tracing_subscriber::{
    fmt::{self, layer},
    prelude::*,
    registry,
};

const IDS: &str = "trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331";

fn inside_a_trace() -> ContextGuard {
    let span = SpanContext::new(
        TraceId::from(0x0af7651916cd43dd8448eb211c80319c),
        SpanId::from(0xb7ad6b7169203331),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    Context::new().with_remote_span_context(span).attach()
}

fn log() {
    info_span!("price", item = 17).in_scope(|| info!(free = false, "priced"));
}

#[test]
fn full_lines_end_with_the_ids() {
    let output = Output::default();
    let layer = layer().with_writer(output.clone()).with_ansi(false).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        log();
        let _trace = inside_a_trace();
        log();
    });
    let line = " INFO price{item=17}: log_lines: priced free=false";
    assert_eq!(output.text(), format!("{line}\n{line} {IDS}\n"));
}

#[test]
fn compact_lines_end_with_the_ids() {
    let output = Output::default();
    let layer = layer().compact().with_writer(output.clone()).with_ansi(false).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        log();
        let _trace = inside_a_trace();
        log();
    });
    let text = output.text();
    let (outside, inside) = text.trim_end().split_once('\n').unwrap();
    assert_eq!(inside, format!("{outside} {IDS}"));
}

#[cfg(feature = "ansi")]
#[test]
fn pretty_lines_are_followed_by_the_ids() {
    let output = Output::default();
    let layer = layer().pretty().with_writer(output.clone()).with_ansi(false).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        log();
        let _trace = inside_a_trace();
        log();
    });
    let text = output.text();
    let outside = &text[..text.find("\n\n").unwrap()];
    assert_eq!(text, format!("{outside}\n\n{outside}\n    {IDS}\n\n"));
}

#[cfg(feature = "ansi")]
#[test]
fn colors_stay() {
    let output = Output::default();
    let layer = layer().with_writer(output.clone()).with_ansi(true).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        log();
        let _trace = inside_a_trace();
        log();
    });
    let text = output.text();
    let (outside, inside) = text.trim_end().split_once('\n').unwrap();
    assert!(outside.contains("\u{1b}[32m INFO\u{1b}[0m"), "{outside:?}");
    assert_eq!(inside, format!("{outside} {IDS}"));
}

#[cfg(feature = "json")]
#[test]
fn json_lines_have_the_ids_as_fields() {
    let output = Output::default();
    let layer = layer().json().with_writer(output.clone()).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        log();
        let _trace = inside_a_trace();
        log();
    });
    let lines: Vec<serde_json::Value> =
        output.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected = serde_json::json!({
        "level": "INFO",
        "fields": { "message": "priced", "free": false },
        "target": "log_lines",
        "span": { "name": "price", "item": 17 },
        "spans": [{ "name": "price", "item": 17 }],
    });
    assert_eq!(lines[0], expected);
    expected["trace_id"] = "0af7651916cd43dd8448eb211c80319c".into();
    expected["span_id"] = "b7ad6b7169203331".into();
    assert_eq!(lines[1], expected);
    assert_eq!(lines.len(), 2);
}

#[test]
fn ids_have_the_names_that_datadog_and_google_cloud_read() {
    let output = Output::default();
    let lines = || layer().with_writer(output.clone()).with_ansi(false).without_time();
    let json = || lines().json();
    let google = |format| TraceIds::google_cloud(format, "my-\"project");
    let google_json = |format| TraceIds::google_cloud(format, "my-\"project");
    let subscribers: [tracing::Dispatch; 4] = [
        registry().with(json().map_event_format(TraceIds::datadog)).into(),
        registry().with(json().map_event_format(google_json)).into(),
        registry().with(lines().map_event_format(TraceIds::datadog)).into(),
        registry().with(lines().map_event_format(google)).into(),
    ];
    for subscriber in subscribers {
        tracing::dispatcher::with_default(&subscriber, || {
            let _trace = inside_a_trace();
            info!("x");
        });
    }
    let text = output.text();
    let lines: Vec<_> = text.lines().collect();
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let (datadog, google) = (read(lines[0]), read(lines[1]));
    assert_eq!(datadog["dd.trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(datadog["dd.span_id"], 0xb7ad_6b71_6920_3331_u64.to_string());
    let trace = "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c";
    assert_eq!(google["logging.googleapis.com/trace"], trace);
    assert_eq!(google["logging.googleapis.com/spanId"], "b7ad6b7169203331");
    assert_eq!(google["logging.googleapis.com/trace_sampled"], true);
    let datadog = " dd.trace_id=0af7651916cd43dd8448eb211c80319c dd.span_id=13235353014750950193";
    assert!(lines[2].ends_with(datadog), "{}", lines[2]);
    assert!(lines[3].ends_with(" logging.googleapis.com/trace_sampled=true"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);
}

/// Logs inside a span that shows the ids, as tower-http's layer makes one.
fn log_below_ids() {
    let _trace = inside_a_trace();
    let ids = IDS.split(['=', ' ']).collect::<Vec<_>>();
    let span = info_span!("request", method = "GET", trace_id = %ids[1], span_id = %ids[3]);
    span.in_scope(|| info_span!("price").in_scope(|| info!("priced")));
}

fn count(text: &str) -> (usize, usize) {
    (
        text.matches("0af7651916cd43dd8448eb211c80319c").count(),
        text.matches("b7ad6b7169203331").count(),
    )
}

#[test]
fn ids_that_a_span_shows_are_written_once() {
    for ansi in [false, true] {
        let output = Output::default();
        let layer = layer().with_writer(output.clone()).with_ansi(ansi).without_time();
        with_default(registry().with(layer.map_event_format(TraceIds::new)), log_below_ids);
        assert_eq!(count(&output.text()), (1, 1), "{}", output.text());
        if !ansi {
            let line = " INFO request{method=\"GET\"}:price: log_lines: priced";
            assert_eq!(output.text(), format!("{line} {IDS}\n"));
        }
        let output = Output::default();
        let compact =
            fmt::layer().compact().with_writer(output.clone()).with_ansi(ansi).without_time();
        with_default(registry().with(compact.map_event_format(TraceIds::new)), log_below_ids);
        assert_eq!(count(&output.text()), (1, 1), "{}", output.text());
    }
}

#[cfg(feature = "ansi")]
#[test]
fn ids_that_a_span_shows_are_written_once_in_pretty_lines() {
    for ansi in [false, true] {
        let output = Output::default();
        let layer = layer().pretty().with_writer(output.clone()).with_ansi(ansi).without_time();
        with_default(registry().with(layer.map_event_format(TraceIds::new)), log_below_ids);
        assert_eq!(count(&output.text()), (1, 1), "{}", output.text());
    }
}

#[cfg(feature = "json")]
#[test]
fn ids_that_a_span_shows_are_written_once_in_json() {
    let output = Output::default();
    let layer = layer().json().with_writer(output.clone()).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), log_below_ids);
    let text = output.text();
    assert_eq!(count(&text), (1, 1), "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(line["span_id"], "b7ad6b7169203331");
    assert_eq!(line["spans"][0], serde_json::json!({ "name": "request", "method": "GET" }));
}

#[test]
fn the_ids_of_an_outer_span_stay_beside_those_of_an_inner_one() {
    let output = Output::default();
    let layer = layer().with_writer(output.clone()).with_ansi(false).without_time();
    with_default(registry().with(layer.map_event_format(TraceIds::new)), || {
        let _trace = inside_a_trace();
        let other = "00000000000000aa";
        info_span!("request", trace_id = %IDS[9..41], span_id = %other).in_scope(|| info!("x"));
    });
    let line = " INFO request{span_id=00000000000000aa}: log_lines: x";
    assert_eq!(output.text(), format!("{line} {IDS}\n"));
}
