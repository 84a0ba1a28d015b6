//! Log lines as they are printed.

mod support;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, ContextGuard};
use support::Output;
use tracewire_tracing::TraceIds;
use tracing::{info, info_span, subscriber::with_default};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

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
