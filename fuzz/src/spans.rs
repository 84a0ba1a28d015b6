//! Spans of any text.

use opentelemetry::{
    InstrumentationScope, KeyValue, StringValue, Value,
    trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::time::{Duration, SystemTime};

const KINDS: [SpanKind; 5] = [
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

/// Makes at most eight spans of one trace: each paragraph is one, its lines are its name and its parts.
pub fn spans(data: &[u8]) -> Vec<SpanData> {
    let text = String::from_utf8_lossy(data);
    let spans = text.split("\n\n").take(8).zip(1_u64..);
    spans.map(|(text, number)| span(text, number)).collect()
}

fn span(text: &str, number: u64) -> SpanData {
    let mut lines = text.split('\n');
    let name = lines.next().unwrap_or_default().to_owned();
    let size = text.len() as u64;
    let at = |micros: u64| SystemTime::UNIX_EPOCH + Duration::from_micros(1 + micros);
    let mut span = SpanData {
        span_context: context(number, "k=v"),
        parent_span_id: SpanId::from(size % (number + 1)),
        parent_span_is_remote: size % 3 == 0,
        span_kind: KINDS[text.len() % KINDS.len()].clone(),
        name: name.into(),
        start_time: at(size % 7),
        end_time: at(size % 5),
        attributes: Vec::new(),
        dropped_attributes_count: u32::try_from(size % 3).unwrap_or(0),
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("fuzz").build(),
    };
    for line in lines.take(40) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (key, value) = (key.to_owned(), value.to_owned());
        match line.len() % 8 {
            0 => span.status = Status::error(value),
            1 => {
                span.events.events.push(Event::new(key, at(0), vec![KeyValue::new("k", value)], 0))
            }
            2 => {
                let linked = context(size, &value);
                span.links.links.push(Link::new(linked, vec![KeyValue::new(key, value)], 0));
            }
            3 => {
                let all: Vec<_> =
                    value.split(',').map(|one| StringValue::from(one.to_owned())).collect();
                span.attributes.push(KeyValue::new(key, Value::Array(all.into())));
            }
            4 => span.attributes.push(KeyValue::new(key, value.len() as f64 / 0.0)),
            5 => span.attributes.push(KeyValue::new(key, i64::MIN + value.len() as i64)),
            _ => span.attributes.push(KeyValue::new(key, value)),
        }
    }
    span
}

fn context(number: u64, state: &str) -> SpanContext {
    let state = state.parse().unwrap_or(TraceState::NONE);
    SpanContext::new(TraceId::from(42), SpanId::from(number), TraceFlags::SAMPLED, false, state)
}
