//! What is shown of one span.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::Serialize;
use tracewire_text::hex::to_string as hex;

use super::values::{self, Attribute};
use crate::store::{Kind, Source, Trace};

#[derive(Debug, Serialize)]
pub(super) struct Details {
    id: String,
    parent: String,
    name: String,
    kind: i32,
    service: String,
    scope: String,
    /// Microseconds since the Unix epoch.
    start: u64,
    /// Nanoseconds since the trace began.
    offset: u64,
    /// Below zero if it ended before it began.
    duration: i128,
    status: i32,
    status_message: String,
    trace_state: String,
    attributes: Vec<Attribute>,
    resource: Vec<Attribute>,
    events: Vec<Event>,
    links: Vec<Link>,
    logs: Vec<Log>,
    dropped_attributes: u32,
    dropped_events: u32,
    dropped_links: u32,
}

#[derive(Debug, Serialize)]
struct Event {
    name: String,
    /// Nanoseconds since the trace began.
    offset: u64,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct Link {
    trace: String,
    span: String,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct Log {
    offset: u64,
    severity: String,
    body: String,
    attributes: Vec<Attribute>,
}

/// Returns the details of a span: of the one at `index` if it has that id, else of the first one.
pub(super) fn details(trace: &Trace, span_id: &str, index: Option<u64>) -> Option<Details> {
    let wanted = |span: &Span| hex(&span.span_id).eq_ignore_ascii_case(span_id);
    let decode = |(source, bytes)| Some((source, Span::decode(bytes).ok()?));
    let at = index.and_then(|index| usize::try_from(index).ok());
    let by_index = at.and_then(|at| trace.body.spans().nth(at)).and_then(decode);
    let (source, span): (&std::sync::Arc<Source>, Span) = by_index
        .filter(|(_, span)| wanted(span))
        .or_else(|| trace.body.spans().filter_map(decode).find(|(_, span)| wanted(span)))?;
    let start = trace.summary.start;
    let is_root = span.parent_span_id.iter().all(|byte| *byte == 0);
    let logs = logs(trace, &span.span_id, is_root);
    Some(describe(source, span, start, logs))
}

fn describe(source: &Source, span: Span, start: u64, logs: Vec<Log>) -> Details {
    let resource = Resource::decode(source.resource()).unwrap_or_default();
    let scope = InstrumentationScope::decode(source.scope()).unwrap_or_default();
    let status = span.status.unwrap_or_default();
    Details {
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: values::name(&span.name),
        kind: span.kind,
        service: values::name(source.service()),
        scope: values::name(format!("{} {}", scope.name, scope.version).trim()),
        start: span.start_time_unix_nano / 1_000,
        offset: span.start_time_unix_nano.saturating_sub(start),
        duration: i128::from(span.end_time_unix_nano) - i128::from(span.start_time_unix_nano),
        status: status.code,
        status_message: values::text(&status.message),
        trace_state: values::name(&span.trace_state),
        attributes: values::attributes(&span.attributes),
        resource: values::attributes(&resource.attributes),
        events: span
            .events
            .iter()
            .map(|event| Event {
                name: values::name(&event.name),
                offset: event.time_unix_nano.saturating_sub(start),
                attributes: values::attributes(&event.attributes),
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| Link {
                trace: hex(&link.trace_id),
                span: hex(&link.span_id),
                attributes: values::attributes(&link.attributes),
            })
            .collect(),
        logs,
        dropped_attributes: span.dropped_attributes_count,
        dropped_events: span.dropped_events_count,
        dropped_links: span.dropped_links_count,
    }
}

/// The log records of a span. Those without one stand with the root.
fn logs(trace: &Trace, span_id: &[u8], is_root: bool) -> Vec<Log> {
    let records = trace.body.entries().filter(|(kind, ..)| *kind == Kind::Log);
    let records = records.filter_map(|(_, _, bytes)| LogRecord::decode(bytes).ok());
    let here = records.filter(|record| {
        let has_none = record.span_id.iter().all(|byte| *byte == 0);
        record.span_id == span_id || (is_root && has_none)
    });
    here.map(|record| {
        let time = match record.time_unix_nano {
            0 => record.observed_time_unix_nano,
            time => time,
        };
        Log {
            offset: time.saturating_sub(trace.summary.start),
            severity: severity(&record),
            body: values::any(record.body.as_ref()),
            attributes: values::attributes(&record.attributes),
        }
    })
    .collect()
}

fn severity(record: &LogRecord) -> String {
    if !record.severity_text.is_empty() {
        return values::name(&record.severity_text);
    }
    let name = match record.severity_number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "",
    };
    name.to_owned()
}
