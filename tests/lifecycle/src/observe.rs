//! What was recorded, one line a fact.

use crate::{
    caller::{CALLER, trace_of},
    plan::{Scenario, Wiring},
    run::Run,
    service::HOP,
};
use opentelemetry::trace::{SpanId, SpanKind, Status};
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
            let side = if metric.name.starts_with("http.server") { "server" } else { "client" };
            if metric.name.ends_with("active_requests") {
                let left = metric.points.iter().filter(|point| point.value != 0.0);
                facts.extend(left.map(|point| format!("{side} is active: {point:?}")));
                continue;
            }
            assert!(metric.name.ends_with("request.duration"), "{metric}");
            if scenario.is_plain() {
                facts.extend(disagreement(metric, side, spans));
            }
            facts.extend(metric.points.iter().map(|point| about_duration(side, point)));
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
    let text = |key| span.attribute(key).map_or_else(|| "-".to_owned(), ToString::to_string);
    let (status, error) = (text("http.response.status_code"), text("error.type"));
    let marked = if span.status == Status::error("") { " Error" } else { "" };
    let (name, resent) = (&span.name, text("http.request.resend_count"));
    format!(
        "{kind} span {id}: {name}, status={status}, error={error}{marked}, resent={resent}, parent={parent}"
    )
}

fn about_duration(side: &str, point: &Point) -> String {
    let text = |key| point.attribute(key).map_or_else(|| "-".to_owned(), ToString::to_string);
    duration(
        side,
        &text("http.request.method"),
        &text("http.route"),
        &text("http.response.status_code"),
        &text("error.type"),
        &text("shop.plan"),
        point.count,
    )
}

/// So many durations of the same attributes.
pub(crate) fn duration(
    side: &str,
    method: &str,
    route: &str,
    status: &str,
    error: &str,
    plan: &str,
    count: u64,
) -> String {
    format!(
        "{side} duration: {method} {route}, status={status}, error={error}, plan={plan}, {count} times"
    )
}

/// The attempt that a span is of.
fn attempt(span: &Span) -> String {
    let header = span.attribute("http.request.header.x-attempt");
    let header = header.map(ToString::to_string).unwrap_or_default();
    let name = header.trim_matches(['[', ']', '"']);
    // Every hop of a call has the header of the first.
    let url = span.attribute("url.full").map(ToString::to_string).unwrap_or_default();
    match (url.rsplit_once(HOP), name.split_once('.')) {
        (Some((_, hop)), Some((number, _))) => format!("{number}.{hop}"),
        _ => name.to_owned(),
    }
}
