//! What was recorded, one line a fact.

use crate::{
    caller::{CALLER, trace_of},
    plan::{Scenario, Wiring},
    run::Run,
    service::HOP,
};
use opentelemetry::{
    Value,
    trace::{SpanId, SpanKind, Status},
};
use std::collections::HashMap;
use tracewire_testing::{Metric, Point, Span};

impl Run {
    /// The facts, sorted.
    pub fn facts(&self, scenario: &Scenario) -> Vec<String> {
        let spans = self.capture.spans();
        let clients: HashMap<_, _> = spans
            .iter()
            .filter(|span| span.kind == SpanKind::Client)
            .map(|span| (span.span_id, attempt(span)))
            .collect();
        let mut facts: Vec<_> = spans.iter().map(|span| about_span(span, &clients)).collect();
        facts.extend(self.about_metrics(scenario, &spans));
        if scenario.wiring != Wiring::Untraced {
            facts.extend(self.about_headers(&clients));
        }
        facts.sort();
        facts
    }

    fn about_metrics(&self, scenario: &Scenario, spans: &[Span]) -> Vec<String> {
        let (metrics, mut facts) = (self.capture.metrics(), Vec::new());
        for metric in metrics.iter() {
            let side = if metric.name.contains(".server.") { "server" } else { "client" };
            if metric.name.ends_with("active_requests") {
                let left = metric.points.iter().filter(|point| point.value != 0.0);
                facts.extend(left.map(|point| format!("{side} is active: {point:?}")));
                continue;
            }
            if let Some(name) = metric.name.strip_suffix(".body.size") {
                let (_, of) = name.rsplit_once('.').unwrap();
                let sizes = metric.points.iter();
                facts.extend(sizes.map(|p| size(of, &key(side, p), p.count, p.value as u64)));
                continue;
            }
            assert!(metric.name.ends_with(".duration"), "{metric}");
            if scenario.is_plain() {
                facts.extend(disagreement(metric, side, spans));
            }
            let of =
                if metric.name.starts_with("rpc.") { format!("{side} call") } else { side.into() };
            facts.extend(metric.points.iter().map(|p| duration(&key(&of, p), p.count)));
        }
        facts
    }

    fn about_headers(&self, clients: &HashMap<SpanId, String>) -> Vec<String> {
        let arrivals = self.arrivals.iter().map(|arrival| {
            let attempt = &arrival.attempt;
            let Some(header) = &arrival.traceparent else {
                return format!("header {attempt}: none");
            };
            let number: usize = attempt.split('.').next().unwrap().parse().unwrap();
            let parts: Vec<_> = header.split('-').collect();
            let trace = if parts[1] == trace_of(number).to_string() { "given" } else { "own" };
            let span = clients.iter().find(|(id, _)| id.to_string() == parts[2]);
            let span = span.map_or("no span", |(_, attempt)| attempt);
            let flags = u8::from_str_radix(parts[3], 16).unwrap();
            format!("header {attempt}: {trace} trace, {span}, sampled={}", flags & 1)
        });
        arrivals.collect()
    }
}

/// Durations are as long as the spans, where each request has both and none is a stream.
fn disagreement(metric: &Metric, side: &str, spans: &[Span]) -> Option<String> {
    let took: f64 = metric.points.iter().map(|point| point.value).sum();
    let own = spans.iter().filter(|span| format!("{:?}", span.kind).to_lowercase() == side);
    let lengths = own.filter_map(|span| span.end_time.duration_since(span.start_time).ok());
    let spanned: f64 = lengths.map(|length| length.as_secs_f64()).sum();
    // Spans are in nanoseconds, and a sum of floats rounds.
    ((took - spanned).abs() > 1e-6).then(|| format!("{side} took {took} s, its spans {spanned} s"))
}

fn about_span(span: &Span, clients: &HashMap<SpanId, String>) -> String {
    let kind = format!("{:?}", span.kind).to_lowercase();
    let id = attempt(span);
    let parent = match span.parent_span_id {
        None => "none".to_owned(),
        Some(parent) if parent == SpanId::from(CALLER) => {
            let number: usize = id.split('.').next().unwrap().parse().unwrap();
            assert_eq!(span.trace_id, trace_of(number));
            "caller".to_owned()
        }
        Some(parent) => clients.get(&parent).cloned().unwrap_or_else(|| "unknown".to_owned()),
    };
    let text = |keys: &[&str]| text(keys.iter().find_map(|key| span.attribute(key)));
    let (status, error) = (text(&STATUS), text(&["error.type"]));
    let marked = if span.status == Status::error("") { " Error" } else { "" };
    let (name, resent) = (&span.name, text(&["http.request.resend_count"]));
    let sizes = ["http.request.body.size", "http.response.body.size"];
    let [request, response] = sizes.map(|size| text(&[size]));
    format!(
        "{kind} span {id}: {name}, status={status}, error={error}{marked}, resent={resent}, parent={parent}, sizes={request}/{response}"
    )
}

/// The status of HTTP or of gRPC, of which only one is recorded.
const STATUS: [&str; 2] = ["http.response.status_code", "rpc.response.status_code"];

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// What a point was recorded with: the side, the method, the route, the status, the error, and what the
/// service added.
fn key(side: &str, point: &Point) -> [String; 6] {
    let text = |keys: &[&str]| text(keys.iter().find_map(|key| point.attribute(key)));
    [
        side.to_owned(),
        text(&["http.request.method", "rpc.method"]),
        text(&["http.route"]),
        text(&STATUS),
        text(&["error.type"]),
        text(&["shop.plan"]),
    ]
}

/// So many durations of the same attributes.
pub(crate) fn duration(key: &[String; 6], count: u64) -> String {
    let [side, method, route, status, error, plan] = key;
    format!(
        "{side} duration: {method} {route}, status={status}, error={error}, plan={plan}, {count} times"
    )
}

/// So many bodies of requests or responses of the same attributes, and how large they are together.
pub(crate) fn size(of: &str, key: &[String; 6], count: u64, sum: u64) -> String {
    let [side, method, route, status, error, plan] = key;
    format!(
        "{side} {of} size: {method} {route}, status={status}, error={error}, plan={plan}, {count} times, {sum} bytes"
    )
}

/// The attempt that a span is of.
fn attempt(span: &Span) -> String {
    let headers = ["http.request.header.x-attempt", "rpc.request.metadata.x-attempt"];
    let header = headers.iter().find_map(|header| span.attribute(header));
    let header = header.map(ToString::to_string).unwrap_or_default();
    let name = header.trim_matches(['[', ']', '"']);
    // Every hop of a call has the header of the first.
    let url = span.attribute("url.full").map(ToString::to_string).unwrap_or_default();
    match (url.rsplit_once(HOP), name.split_once('.')) {
        (Some((_, hop)), Some((number, _))) => format!("{number}.{hop}"),
        _ => name.to_owned(),
    }
}
